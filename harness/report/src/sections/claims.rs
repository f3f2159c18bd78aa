//! Claims as tables: the statement, the difference that was found, its test, and the verdict.

use crate::{
    figures::{
        claim::{Relation, Verdict},
        data::Data,
        health::Severity,
        statistics::summary::{CONFIDENCE, Summary},
        tested::{TestedClaim, Untested},
    },
    links::linked,
    markdown::{Align, NONE, Table, code, count, escape, p_value, signed, signed_ends},
};
use harness_record::vocabulary::Protocol;

/// What follows the verdict on a claim that was not registered as it is now.
pub(crate) const EXPLORATORY: &str = " (exploratory)";

/// Returns the table of one claim, with one row for each protocol.
pub(crate) fn one(data: &Data, claims: &[TestedClaim], name: &str) -> String {
    let tested: Vec<_> = claims.iter().filter(|tested| tested.claim.name == name).collect();
    let Some(first) = tested.first() else { return String::new() };
    let caption = format!("{} ({})", escape(first.claim.text.trim_end_matches('.')), code(&first.claim.expect));
    table(data, "Protocol", &tested, |tested| escape(tested.protocol.name()), &caption)
}

/// Returns all claims, with one table for each protocol.
pub(crate) fn all(data: &Data, claims: &[TestedClaim]) -> String {
    let parts = data.study.protocols.iter().map(|protocol| under(data, claims, *protocol));
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Returns the table of a protocol, or an empty text if there are no claims.
pub(crate) fn under(data: &Data, claims: &[TestedClaim], protocol: Protocol) -> String {
    let tested: Vec<_> = claims.iter().filter(|tested| tested.protocol == protocol).collect();
    if tested.is_empty() {
        return String::new();
    }
    let sentence = |tested: &TestedClaim| format!("{} {}", escape(&tested.claim.text), code(&tested.claim.expect));
    table(data, "Claim", &tested, sentence, &format!("claims under the {} protocol", escape(protocol.name())))
}

fn table(
    data: &Data,
    head: &str,
    tested: &[&TestedClaim],
    name: impl Fn(&TestedClaim) -> String,
    caption: &str,
) -> String {
    let interval = format!("{CONFIDENCE} interval");
    let mut table = Table::new([
        (head, Align::Left),
        ("Verdict", Align::Left),
        ("Difference", Align::Right),
        (&interval, Align::Right),
        ("p (Holm)", Align::Right),
        ("In seed SDs", Align::Right),
        ("Images", Align::Right),
        ("Seeds", Align::Right),
    ]);
    table.rows = tested.iter().map(|one| [name(one)].into_iter().chain(cells(data, one)).collect()).collect();
    // The remarks are paragraphs, because a list would merge with the list that explains the columns.
    let remarks: Vec<_> = tested.iter().filter_map(|one| remark(one)).map(|remark| format!("\n{remark}\n")).collect();
    table.captioned(caption) + &remarks.concat()
}

fn cells(data: &Data, tested: &TestedClaim) -> [String; 7] {
    let is_later = data.registration.as_ref().is_some_and(|registered| registered.lacks(&tested.claim));
    let exploratory = if is_later { EXPLORATORY } else { "" };
    let found = match &tested.outcome {
        Ok(found) => found,
        Err(reason) => {
            let verdict = if *reason == Untested::NotRun { "not run" } else { "not comparable" };
            return [verdict, NONE, NONE, NONE, NONE, NONE, NONE].map(str::to_owned);
        }
    };
    let difference = &found.difference;
    let Summary { mean, images, seeds, .. } = difference.summary;
    let rows = data.rows_of([&tested.comparison.left, &tested.comparison.right], tested.protocol);
    let linked = |text: &str| linked(text, &rows);
    [
        format!("{}{exploratory}", verdict(data, tested, found.verdict)),
        linked(&signed(mean)),
        difference.interval().map_or(NONE.to_owned(), |ends| linked(&signed_ends(ends))),
        found.p.map_or(NONE.to_owned(), |p| linked(&p_value(p))),
        difference.effect().map_or(NONE.to_owned(), |effect| linked(&signed_effect(effect))),
        linked(&count(images as u64)),
        if seeds == 0 { NONE.to_owned() } else { linked(&count(seeds as u64)) },
    ]
}

/// Returns the verdict, with what the health checks say against it: `withheld: SSL never predicts border`.
fn verdict(data: &Data, tested: &TestedClaim, verdict: Verdict) -> String {
    let against = [Severity::Fails, Severity::Warns].map(|severity| tested.against(data, severity));
    let against: Vec<_> = against.into_iter().filter(|reasons| !reasons.is_empty()).collect();
    if against.is_empty() { verdict.to_string() } else { format!("{verdict}: {}", against.join("; ")) }
}

/// Formats an effect size with two decimals; the number of seeds does not justify a third.
fn signed_effect(effect: f64) -> String {
    let text = format!("{:.2}", effect.abs());
    match effect {
        _ if text == "0.00" => text,
        e if e < 0.0 => format!("\u{2212}{text}"),
        _ => format!("+{text}"),
    }
}

/// Returns a sentence for anything that the row cannot say.
fn remark(tested: &TestedClaim) -> Option<String> {
    let (claim, protocol) = (code(&tested.claim.expect), escape(tested.protocol.name()));
    match &tested.outcome {
        Err(Untested::NotRun) => None,
        Err(reason) => {
            let reason = escape(&reason.to_string());
            Some(format!("{claim} is not comparable under the {protocol} protocol: {reason}."))
        }
        Ok(found) if found.verdict == Verdict::NotTested => {
            let why = found.difference.untested().unwrap_or_default();
            Some(format!(
                "{claim} is not tested under the {protocol} protocol: {why}. The difference is between these \
                 networks, and other seeds can reverse it."
            ))
        }
        Ok(_) if tested.comparison.offset != 0.0 => {
            let side = match tested.comparison.relation {
                Relation::Greater | Relation::GreaterOrEqual => "above",
                Relation::Less | Relation::LessOrEqual => "below",
            };
            Some(format!(
                "The claim {claim} states a margin. Its difference is measured from that margin, so the claim holds \
                 {side} zero."
            ))
        }
        Ok(_) => None,
    }
}
