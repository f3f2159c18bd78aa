//! The instruction sets that kernels are compiled for, and the selection of one that this machine supports.

use std::sync::OnceLock;

/// An instruction set that this machine supports. Values exist only for such sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isa(pub(crate) Set);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    /// Only the instructions of the compiler's target; on 64-bit ARM these include NEON.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 F, with AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// The environment variable that selects a set: `portable`, `avx2`, `avx512`.
pub const VARIABLE: &str = "HARNESS_ISA";

impl Isa {
    /// The set without which the kernels do not run. Every machine supports it.
    pub const PORTABLE: Self = Self(Set::Portable);

    /// All sets that this machine supports, the fastest last.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut sets = vec![Self::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            sets.push(Self(Set::Avx2));
            if is_x86_feature_detected!("avx512f") {
                sets.push(Self(Set::Avx512));
            }
        }
        sets
    }

    /// The fastest set of this machine, or the one that [`VARIABLE`] selects, for comparisons. Determined once.
    pub fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| Self::wanted().ok().flatten().unwrap_or_else(Self::fastest))
    }

    /// The set that [`VARIABLE`] selects; `None` if it is not set. The error lists the valid names on this machine. Without
    /// this check, [`Isa::best`] falls back to the fastest.
    pub fn wanted() -> Result<Option<Self>, String> {
        std::env::var_os(VARIABLE).map(|name| Self::named(&name.to_string_lossy())).transpose()
    }

    fn named(name: &str) -> Result<Self, String> {
        let sets = Self::available();
        sets.iter().find(|isa| isa.name() == name).copied().ok_or_else(|| {
            let names: Vec<&str> = sets.iter().map(|isa| isa.name()).collect();
            format!("{VARIABLE}={name}: this machine has {}", names.join(", "))
        })
    }

    fn fastest() -> Self {
        Self::available().last().copied().unwrap_or(Self::PORTABLE)
    }

    /// `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
        }
    }
}

/// Compiles one generic body for every instruction set. The first argument, an [`Isa`], selects the version at run time.
///
/// The body sees the type of lanes under the name in angle brackets. It must not pass work to other threads: closures that run
/// there are compiled without the instruction set.
macro_rules! kernel {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$lanes:ident $(, const $c:ident: $ct:ty)*>($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name<$(const $c: $ct),*>(isa: $crate::isa::Isa, $($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            fn body<$lanes: $crate::lanes::Lanes $(, const $c: $ct)*>($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2<$(const $c: $ct),*>($($arg: $ty),*) $(-> $ret)? {
                body::<$crate::lanes::Avx2 $(, $c)*>($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma")]
            fn avx512<$(const $c: $ct),*>($($arg: $ty),*) $(-> $ret)? {
                body::<$crate::lanes::Avx512 $(, $c)*>($($arg),*)
            }
            match isa.0 {
                $crate::isa::Set::Portable => body::<$crate::lanes::Portable $(, $c)*>($($arg),*),
                // SAFETY: a value of `Isa` proves that the machine supports the instructions.
                #[cfg(target_arch = "x86_64")]
                $crate::isa::Set::Avx2 => unsafe { avx2::<$($c),*>($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::isa::Set::Avx512 => unsafe { avx512::<$($c),*>($($arg),*) },
            }
        }
    };
}
pub(crate) use kernel;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_asked_for_by_its_name() {
        for isa in Isa::available() {
            assert_eq!(Isa::named(isa.name()), Ok(isa));
        }
        let error = Isa::named("avx99").unwrap_err();
        assert!(error.starts_with("HARNESS_ISA=avx99: this machine has portable"), "{error}");
        assert!(Isa::named("").is_err());
    }
}
