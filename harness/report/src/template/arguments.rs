//! Checks the number and types of the arguments that templates pass to functions.

use minijinja::{Error, ErrorKind, Value};

/// Returns the arguments as texts, if there is exactly one for each of `names` and each is a text.
///
/// minijinja can convert arguments itself, but its errors name neither the function nor the wrong argument.
pub(super) fn texts<'a, const N: usize>(
    function: &str,
    names: [&str; N],
    given: &'a [Value],
) -> Result<[&'a str; N], Error> {
    check_count(function, &names, given, N)?;
    let mut texts = [""; N];
    for ((text, name), value) in texts.iter_mut().zip(names).zip(given) {
        *text = value.as_str().ok_or_else(|| wrong_type(function, name, "a text", value))?;
    }
    Ok(texts)
}

/// Rejects arguments by name, and any number of arguments that does not match `names`. Only the first `least` arguments
/// are required.
pub(super) fn check_count(function: &str, names: &[&str], given: &[Value], least: usize) -> Result<(), Error> {
    let takes = match names {
        [] => "takes no arguments".to_owned(),
        [one] => format!("takes one argument ({one})"),
        _ if least < names.len() => {
            let (must, may) = names.split_at(least);
            format!("takes {least} or {} arguments ({}[, {}])", names.len(), must.join(", "), may.join(", "))
        }
        _ => format!("takes {} arguments ({})", names.len(), names.join(", ")),
    };
    let by_place = "takes arguments by position, not by name";
    if given.last().is_some_and(Value::is_kwargs) {
        return Err(Error::new(ErrorKind::TooManyArguments, format!("`{function}` {takes}, and {by_place}")));
    }
    let kind = match given.len() {
        n if n < least => ErrorKind::MissingArgument,
        n if n > names.len() => ErrorKind::TooManyArguments,
        _ => return Ok(()),
    };
    Err(Error::new(kind, format!("`{function}` {takes}, found {}", given.len())))
}

/// Returns an error for an argument of the wrong type.
pub(super) fn wrong_type(function: &str, argument: &str, expected: &str, value: &Value) -> Error {
    let found = if value.is_undefined() { "nothing: it is undefined".to_owned() } else { value.kind().to_string() };
    let message = format!("argument `{argument}` of `{function}` must be {expected}, found {found}");
    Error::new(ErrorKind::InvalidOperation, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_arguments_is_said_with_what_would_be_right() {
        let message = |given: &[Value], least| {
            let names = ["from", "to", "protocol"];
            check_count("percent_change", &names, given, least).map_err(|e| e.detail().unwrap_or_default().to_owned())
        };
        let texts = vec![Value::from("a.dice"); 4];
        assert_eq!(message(&texts[..2], 2), Ok(()));
        let takes = "`percent_change` takes 2 or 3 arguments (from, to[, protocol])";
        assert_eq!(message(&texts[..1], 2), Err(format!("{takes}, found 1")));
        assert_eq!(message(&texts, 2), Err(format!("{takes}, found 4")));
        let all = "`percent_change` takes 3 arguments (from, to, protocol), found 2";
        assert_eq!(message(&texts[..2], 3), Err(all.to_owned()));
        let error = super::texts("value", ["operand"], &[Value::UNDEFINED]).unwrap_err();
        assert_eq!(
            error.detail(),
            Some("argument `operand` of `value` must be a text, found nothing: it is undefined")
        );
    }
}
