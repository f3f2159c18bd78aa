//! Single-threaded matrix products over slices: the one place where the `gemm` crate's unsafe interface is called.

#![allow(unsafe_code)]

/// A matrix in a slice: element `(i, j)` lies at `i * row + j * column`.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub(super) data: &'a [f32],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row: usize,
    pub(super) column: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix whose rows lie one after the other.
    pub(super) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self { data, rows, columns, row: columns, column: 1 }
    }

    /// The same elements with rows and columns exchanged.
    pub(super) fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, row: self.column, column: self.row, ..self }
    }

    fn fits(&self) -> bool {
        self.rows == 0
            || self.columns == 0
            || (self.rows - 1) * self.row + (self.columns - 1) * self.column < self.data.len()
    }
}

/// `out = a·b`, or `out += a·b` when `add`; `out` is row-major.
///
/// One thread does all of it, in an order that depends on the shapes and the machine's caches alone: callers share work
/// out over images or rows themselves.
pub(super) fn multiply(out: &mut [f32], a: Matrix<'_>, b: Matrix<'_>, add: bool) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert!(k == b.rows && out.len() == m * n && a.fits() && b.fits(), "matrix product of unfitting shapes");
    // SAFETY: the assertion above keeps every index that the strides can reach inside the three slices, and `out` is
    // borrowed exclusively, so it overlaps neither input.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.data.as_ptr(),
            a.column as isize,
            a.row as isize,
            b.data.as_ptr(),
            b.column as isize,
            b.row as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_agree_with_a_naive_loop() {
        let (m, k, n) = (5, 7, 3);
        let a: Vec<f32> = (0..m * k).map(|i| (i % 11) as f32 - 5.0).collect();
        let b: Vec<f32> = (0..k * n).map(|i| (i % 7) as f32 - 3.0).collect();
        let naive = |i: usize, j: usize| (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum::<f32>();
        let mut out = vec![1.0; m * n];
        multiply(&mut out, Matrix::new(&a, m, k), Matrix::new(&b, k, n), true);
        for i in 0..m {
            for j in 0..n {
                assert_eq!(out[i * n + j], naive(i, j) + 1.0);
            }
        }
        let mut transposed = vec![0.0; n * m];
        multiply(&mut transposed, Matrix::new(&b, k, n).transposed(), Matrix::new(&a, m, k).transposed(), false);
        assert_eq!(transposed[m], naive(0, 1));
    }
}
