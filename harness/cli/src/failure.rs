//! The ways in which a command can fail, with their messages and exit codes.

use harness_images::datasets::DataError;
use harness_record::RecordError;
use harness_report::{ReportError, compare::CompareError};
use harness_study::spec::diagnosis::{Diagnosis, Problems, printable};
use std::{error::Error, fmt, process::ExitCode};

/// An error of any crate.
pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// The reason why a command failed. Each kind has its exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A check found differences or broken figures; the text says which.
    #[error("{0}")]
    Check(String),
    /// The command line asks for something that does not exist or makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A study's spec is wrong.
    #[error("{0}")]
    Spec(#[from] Problems),
    /// Data are missing, damaged or not what their manifest says.
    #[error(transparent)]
    Data(Cause),
    /// Training, evaluation or rendering failed.
    #[error(transparent)]
    Run(Cause),
    /// The store or a file of results could not be read or written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Another process works on the same thing; the text says which.
    #[error("{0}")]
    Locked(String),
    /// The user asked to stop.
    #[error("interrupted; finished work is kept: run the same command again to continue")]
    Interrupted,
    /// Something failed during a piece of work such as `study blurring, arm ssl`.
    #[error("{doing}")]
    During {
        /// The work that was being done.
        doing: String,
        /// The failure itself.
        #[source]
        failure: Box<Failure>,
    },
}

/// Shorthand for results of commands.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Interrupted => Self::Interrupted,
            // The data are sound, but a pack or the cache could not be written.
            DataError::Record(error @ RecordError::Io { action: "write", .. }) => Self::Record(error),
            other => Self::data(other),
        }
    }
}

impl Failure {
    /// A failure because data are missing or damaged.
    pub(crate) fn data(cause: impl Into<Cause>) -> Self {
        Self::Data(cause.into())
    }

    /// A failure of a run.
    pub(crate) fn run(cause: impl Into<Cause>) -> Self {
        Self::Run(cause.into())
    }

    /// The same failure, with the work during which it happened.
    pub(crate) fn during(self, doing: impl Into<String>) -> Self {
        Self::During { doing: doing.into(), failure: Box::new(self) }
    }

    /// The process's exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Check(_) => 1,
            Self::Usage(_) => 2,
            Self::Spec(_) => 3,
            // A readable file with wrong contents is damaged data; a file that cannot be read or written stops the run.
            Self::Record(RecordError::Io { .. }) | Self::Run(_) => 5,
            Self::Data(_) | Self::Record(_) => 4,
            Self::Locked(_) => 75,
            Self::Interrupted => 130,
            Self::During { failure, .. } => failure.code(),
        }
    }

    /// Prints on stderr what went wrong, and returns the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        // If stderr is closed, there is nobody to tell.
        let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), format!("{}\n", Told(self)).as_bytes());
        ExitCode::from(self.code())
    }

    /// The failure with the whole chain of its causes, ready to print.
    pub(crate) fn told(&self) -> String {
        Told(self).to_string()
    }
}

impl From<CompareError> for Failure {
    fn from(error: CompareError) -> Self {
        match error {
            CompareError::Choice(text) => Self::Usage(text),
            CompareError::Data(error) => error.into(),
        }
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Record(error) if !is_missing(&error) => Self::Record(error),
            // The templates and the charts are the program's own work, not the data.
            ReportError::Io { .. } | ReportError::Template { .. } | ReportError::Chart { .. } => Self::run(error),
            missing_or_damaged => Self::data(missing_or_damaged),
        }
    }
}

/// Returns true if a file that should be there is missing.
fn is_missing(error: &RecordError) -> bool {
    matches!(error, RecordError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
}

impl From<Diagnosis> for Failure {
    fn from(diagnosis: Diagnosis) -> Self {
        Self::Spec(diagnosis.into())
    }
}

/// Prints a failure and its causes, one per line.
struct Told<'a>(&'a Failure);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut failure = self.0;
        while let Failure::During { doing, failure: inner } = failure {
            writeln!(f, "{}:", printable(doing))?;
            failure = inner;
        }
        if let Failure::Spec(problems) = failure {
            return problems.fmt(f);
        }
        let mut said = failure.to_string();
        match failure {
            Failure::Interrupted => f.write_str(&said)?,
            _ => write!(f, "error: {}", lines(&said))?,
        }
        let mut cause = failure.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Many errors quote their cause already.
            if !said.contains(&text) {
                write!(f, "\n  because: {}", lines(&text))?;
                said = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

/// Keeps the lines of a text, with all but the first indented.
fn lines(text: &str) -> String {
    text.trim_end().lines().map(printable).collect::<Vec<_>>().join("\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open {name}")]
    struct Outer {
        name: &'static str,
        source: std::io::Error,
    }

    #[test]
    fn the_whole_chain_is_told_and_nothing_twice() {
        let source = std::io::Error::other("disk\u{1b}[2J gone");
        let failure = Failure::data(Outer { name: "cats.tar", source });
        assert_eq!(failure.told(), "error: cannot open cats.tar\n  because: disk\\u{1b}[2J gone");
        let failure = Failure::Record(RecordError::Io {
            action: "read",
            path: "runs/x".into(),
            source: std::io::Error::other("no such disk"),
        });
        assert_eq!(failure.told(), "error: cannot read runs/x: no such disk");
        assert_eq!(failure.code(), 5);
    }

    #[test]
    fn what_was_done_comes_first_and_keeps_the_code() {
        let failure = Failure::Locked("another process trains it".to_owned()).during("study blurring, arm ssl");
        assert_eq!(failure.told(), "study blurring, arm ssl:\nerror: another process trains it");
        assert_eq!(failure.code(), 75);
        assert_eq!(Failure::Interrupted.during("x").code(), 130);
    }

    #[test]
    fn problems_of_a_spec_are_shown_as_they_are() {
        let failure = Failure::from(Diagnosis::of_file("studies/a.yaml", "no\nway"));
        assert_eq!(failure.told(), "error: no way\n  --> studies/a.yaml");
        assert_eq!((failure.code(), Failure::run("boom").code(), Failure::data("x").code()), (3, 5, 4));
    }
}
