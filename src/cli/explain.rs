//! An explanation in sentences, and two documents side by side.

use dittograph::document::Span;
use dittograph::findings::{
    Between, Comparison, DocumentFate, Evidence, ExplainedText, Explanation, Finding, Kind, Measure,
    MeasuredLikeness, Place, Reference,
};
use dittograph::output::{Summary, bytes_of};

use super::layout::{Ink, Line, Style, beside, excerpt, labelled, wrapped};
use super::say::{counted, number};

/// Narrower terminals have the two documents one after the other. A guess: two columns of 45.
const SIDE_BY_SIDE: usize = 100;

/// How many documents of a cluster are named.
const NAMED: usize = 5;

/// How many documents that have a paragraph, too.
const NAMED_ELSEWHERE: usize = 3;

/// What goes to standard output, line by line.
pub struct Page<'a> {
    /// The run that is explained.
    pub summary: &'a Summary,
    /// How it is named on the command line.
    pub dir: &'a str,
    /// What marks.
    pub ink: Ink,
    /// Columns.
    pub width: usize,
    /// Whether passages are shown whole.
    pub full: bool,
    lines: Vec<Line>,
}

impl<'a> Page<'a> {
    /// An empty page.
    pub fn new(summary: &'a Summary, dir: &'a str, ink: Ink, width: usize, full: bool) -> Page<'a> {
        Page { summary, dir, ink, width, full, lines: Vec::new() }
    }

    /// What it says, with line ends.
    pub fn shown(&self) -> String {
        self.lines.iter().map(|line| line.shown(self.ink) + "\n").collect()
    }

    /// One document.
    pub fn explanation(&mut self, explained: &Explanation) -> &Page<'a> {
        self.heading("", explained);
        self.facts(explained);
        self.fate(explained);
        if explained.fate == DocumentFate::Rejected {
            return self;
        }
        if let Some(reason) = &explained.no_text {
            self.say(&format!("its text is not shown: {reason}"));
        }
        let of_passages = explained.findings.iter().filter(|finding| finding.finding != Kind::Duplicate);
        for finding in of_passages {
            self.blank();
            self.finding(finding, explained);
        }
        if explained.findings.iter().all(|finding| finding.finding == Kind::Duplicate) {
            self.say("no passage of it was flagged");
        }
        self
    }

    /// Two documents.
    pub fn comparison(&mut self, two: &Comparison) -> &Page<'a> {
        for (letter, explained) in [("a ", &two.a), ("b ", &two.b)] {
            self.heading(letter, explained);
            self.facts(explained);
            self.say(&format!("   {}", self.short_fate(explained)));
        }
        self.blank();
        self.say(&self.decision(two));
        let Some(likeness) = &two.likeness else {
            let mut reasons = vec![&two.a.no_text, &two.b.no_text];
            reasons.dedup();
            for reason in reasons.into_iter().flatten() {
                self.say(&format!("not measured now: {reason}"));
            }
            return self;
        };
        self.say(&self.measures(likeness));
        if let (Some(a), Some(b)) = (&two.a.text, &two.b.text) {
            self.say(&format!(
                "{} shared: {} of a's {} and {} of b's {} compared",
                counted(likeness.shared.len() as u64, "passage"),
                number(likeness.shared_tokens[0] as u64),
                counted(compared(likeness, a), "token"),
                number(likeness.shared_tokens[1] as u64),
                counted(compared(likeness, b), "token"),
            ));
            self.blank();
            self.texts(two, likeness, [a, b]);
        }
        self
    }

    fn heading(&mut self, letter: &str, explained: &Explanation) {
        let site = explained.site.as_ref().map_or(String::new(), |site| format!(", of {site}"));
        let heading = format!("{letter}{}{site}", named(&explained.document));
        self.add(&heading, Style::Strong, letter.len());
    }

    fn facts(&mut self, explained: &Explanation) {
        if let Some(url) = explained.url.as_ref().filter(|url| **url != explained.document.id) {
            self.add(&format!("   {url}"), Style::Plain, 3);
        }
        if let Some(text) = &explained.text {
            let content = match text.content_tokens == text.tokens {
                true => String::new(),
                false => format!(", {} of them content", number(text.content_tokens as u64)),
            };
            let paragraphs = counted(text.paragraph_spans.len() as u64, "paragraph");
            self.say(&format!("   {} in {paragraphs}{content}", counted(text.tokens as u64, "token")));
        }
    }

    /// What became of a document, and why.
    fn fate(&mut self, explained: &Explanation) {
        if let Some(record) = &explained.rejected {
            let place = match (&record.file, record.line) {
                (Some(file), _) => format!("the file {file}"),
                (None, Some(line)) => format!("line {line}"),
                (None, None) => "the file".to_owned(),
            };
            self.say(&format!("rejected: {place} could not be read: {}", record.reason));
            self.say(&format!("{} from byte {} on:", counted(record.length, "byte"), number(record.offset)));
            let head = bytes_of(record.head.clone(), record.encoding.as_deref()).unwrap_or_default();
            self.passage("", &String::from_utf8_lossy(&head));
            return;
        }
        let members = explained.cluster.as_ref().map_or(&[][..], |cluster| &cluster.members);
        let would = self.would();
        match explained.findings.iter().find(|finding| finding.finding == Kind::Duplicate) {
            Some(finding) => {
                self.say(&self.sentence(finding, explained));
                if let Some(of) = witness(finding) {
                    let documents = counted(members.len() as u64 + 1, "document");
                    self.say(&format!(
                        "its cluster has {documents}; side by side: {}",
                        self.command(explained, of)
                    ));
                }
            }
            None if members.is_empty() => {
                self.say(&format!("{would}kept; nothing {}removed because of it", self.was()))
            }
            None => {
                let documents = counted(members.len() as u64, "document");
                let was = if members.len() == 1 { self.was() } else { self.were() };
                self.say(&format!("{would}kept; {documents} {was}removed because of it:"));
                for member in members.iter().take(NAMED) {
                    let like = likeness(member.exact, member.jaccard, member.containment);
                    self.say(&format!("   {}: {like}", named(&member.document)));
                }
                if members.len() > NAMED {
                    self.say(&format!("   and {} more", number((members.len() - NAMED) as u64)));
                }
            }
        }
    }

    fn short_fate(&self, explained: &Explanation) -> String {
        let would = self.would();
        match (explained.fate, explained.findings.iter().find_map(witness)) {
            (DocumentFate::Rejected, _) => {
                let reason = explained.rejected.as_ref().map_or("", |record| record.reason.as_str());
                format!("could not be read: {reason}")
            }
            (_, Some(of)) => format!("{would}removed because of {}", named(of)),
            (_, None) => format!("{would}kept"),
        }
    }

    fn would(&self) -> &'static str {
        if self.is_scan() { "would be " } else { "" }
    }

    fn was(&self) -> &'static str {
        if self.is_scan() { "would be " } else { "was " }
    }

    fn were(&self) -> &'static str {
        if self.is_scan() { "would be " } else { "were " }
    }

    fn is_scan(&self) -> bool {
        self.summary.command == "scan"
    }

    fn command(&self, explained: &Explanation, of: &Reference) -> String {
        let document = &explained.document;
        let name = |document: &Reference| word(&format!("{}#{}", document.shard, document.ordinal));
        format!("dittograph explain {} {} {}", word(self.dir), name(document), name(of))
    }

    /// A finding, and the passages it means.
    fn finding(&mut self, finding: &Finding, explained: &Explanation) {
        self.say(&self.sentence(finding, explained));
        if let Some(more) = self.more(finding, explained) {
            self.say(&format!("   {more}"));
        }
        let (Some(text), Some(place)) = (&explained.text, finding.place) else { return };
        let [first, last] = place.paragraphs;
        let label = if first == last { first.to_string() } else { format!("{first}-{last}") };
        self.passage(&label, slice(&text.text, place.span));
        if let Evidence::Repeat { within, .. } = &finding.evidence {
            for &paragraph in within {
                let span = text.paragraph_spans.get(paragraph).copied();
                let span = span.map_or("", |span| slice(&text.text, span));
                self.passage(&paragraph.to_string(), span);
            }
        }
    }

    /// What a finding says, with its evidence.
    fn sentence(&self, finding: &Finding, explained: &Explanation) -> String {
        let kind = finding.finding.name();
        let at = finding.place.map_or_else(|| "the document".to_owned(), paragraphs);
        let (stands, is) = match finding.place {
            Some(Place { paragraphs: [first, last], .. }) if first != last => ("stand", "are"),
            _ => ("stands", "is"),
        };
        match (finding.finding, &finding.evidence) {
            (Kind::Duplicate, Evidence::Duplicate { of, jaccard, containment, by, exact }) => {
                let like = likeness(*exact, *jaccard, *containment);
                let settings = &self.summary.settings;
                let threshold = match (by, settings.min_containment) {
                    (Measure::Jaccard, _) if !exact => {
                        format!("; --min-similarity is {}", settings.min_similarity)
                    }
                    (Measure::Containment, Some(least)) => format!("; --min-containment is {least}"),
                    _ => String::new(),
                };
                format!(
                    "{}removed because of {}, which comes first in keep order ({}): {like}{threshold}",
                    self.would(),
                    named(of),
                    self.summary.settings.keep.join(",")
                )
            }
            (Kind::Boilerplate, Evidence::Boilerplate { template, role, documents, share }) => {
                let known = explained.templates.iter().find(|known| known.template == *template);
                let everywhere = known.is_some_and(|known| known.site == "*");
                let whose = if everywhere { "" } else { "its " };
                let share = match known {
                    Some(known) => {
                        format!("{whose}{} distinct pages", number(u64::from(known.site_documents)))
                    }
                    None => format!("{whose}distinct pages, a share of {}", figure(*share)),
                };
                format!(
                    "{kind}: {at} {is} {} of {}, on {} of {share}",
                    match role.name() {
                        "inline" => "an inline passage".to_owned(),
                        role => format!("a {role}"),
                    },
                    if everywhere { "several sites" } else { "this site" },
                    number(u64::from(*documents)),
                )
            }
            (Kind::RepeatedLead | Kind::Repeat, Evidence::Repeat { coverage, within }) => format!(
                "{kind}: {at} {stands} again in {} of this document (coverage {})",
                listed("paragraph", within),
                figure(*coverage)
            ),
            (_, Evidence::Reused { documents, sites, jaccard, first }) => format!(
                "{kind}: {at} {stands} in {} of {}{}",
                counted(*documents, "kept document"),
                counted(*sites, "site"),
                match first {
                    Some(_) => format!(" (Jaccard {} with the first)", figure(*jaccard)),
                    None => ", this one first".to_owned(),
                }
            ),
            (_, Evidence::Foreign { language, article_language, confidence }) => format!(
                "{kind}: {at} {is} in `{language}`, the rest in `{article_language}` (confidence {})",
                figure(*confidence)
            ),
            (_, Evidence::Thin { content_tokens }) => {
                format!("{kind}: {at} has {} beside its boilerplate", counted(*content_tokens, "token"))
            }
            (_, evidence) => format!("{kind}: {at}; {}", fields(evidence)),
        }
    }

    /// Where it stands besides, and other things worth knowing of a finding.
    fn more(&self, finding: &Finding, explained: &Explanation) -> Option<String> {
        match &finding.evidence {
            Evidence::Boilerplate { template, .. } => {
                let of = explained.templates.iter().find(|known| known.template == *template)?;
                let own = |example: &&Reference| !is_same(example, &explained.document);
                let others: Vec<String> = of.examples.iter().filter(own).map(named).collect();
                let others = if others.is_empty() {
                    String::new()
                } else {
                    format!("; also on {}", others.join(", "))
                };
                Some(format!("template {template}{others}"))
            }
            Evidence::Reused { documents, .. } => {
                let paragraph = finding.place?.paragraphs[0];
                let of = explained.elsewhere.iter().find(|elsewhere| elsewhere.paragraph == paragraph)?;
                let named: Vec<String> =
                    of.documents.iter().take(NAMED_ELSEWHERE).map(named_paragraph).collect();
                let more = documents.saturating_sub(named.len() as u64 + 1);
                let more = if more == 0 { String::new() } else { format!(", and {} more", number(more)) };
                (!named.is_empty()).then(|| format!("also in {}{more}", named.join(", ")))
            }
            _ => None,
        }
    }

    fn decision(&self, two: &Comparison) -> String {
        let settings = &self.summary.settings;
        let least = settings.min_similarity;
        let (removed, kept) = (format!("{}removed", self.was()), format!("{}kept", self.was()));
        match two.decision {
            Between::ARemovedForB => format!("a {removed} because of b"),
            Between::BRemovedForA => format!("b {removed} because of a"),
            Between::BothRemovedForOne => {
                format!("a and b {}removed because of one and the same document", self.were())
            }
            Between::Rejected => "not compared: what could not be read is like nothing".to_owned(),
            Between::NotWithin => format!(
                "not compared: they differ in the field {} (--within)",
                settings.within.as_deref().unwrap_or_default()
            ),
            Between::NotMeasured => "neither was removed because of the other".to_owned(),
            Between::Thin => "not compared: one has boilerplate and fewer than 20 tokens besides, so it is a duplicate of an \
                              equal text only"
                .to_owned(),
            Between::Below => format!("no duplicates: less alike than --min-similarity {least}"),
            Between::OtherWitness => {
                let other = |explained: &Explanation| explained.findings.iter().find_map(witness).map(named);
                let removed: Vec<String> = [("a", &two.a), ("b", &two.b)]
                    .into_iter()
                    .filter_map(|(letter, explained)| {
                        Some(format!("{letter} {removed} because of {}", other(explained)?))
                    })
                    .collect();
                format!(
                    "alike enough to be duplicates, but {}: of the kept documents before it in keep order, the most similar one",
                    removed.join(", ")
                )
            }
            Between::BothKept => {
                let protected = match settings.protected {
                    0 => String::new(),
                    ids => format!("both are protected (--protect named {}), or ", counted(ids, "id")),
                };
                format!(
                    "alike enough to be duplicates, but each {kept}: {protected}no candidate pair was made of them (chance at the \
                     threshold: {}; --exact misses none)",
                    figure(self.summary.recall.miss_at_threshold)
                )
            }
        }
    }

    fn measures(&self, likeness: &MeasuredLikeness) -> String {
        if likeness.exact {
            return "their whole token sequences are equal".to_owned();
        }
        let what = match self.summary.settings.content.as_str() {
            "all" => "whole texts",
            _ => "texts without boilerplate",
        };
        format!(
            "Jaccard {}; {} of a stands in b, {} of b in a (runs of {}, {what})",
            figure(likeness.jaccard),
            figure(likeness.containment_of_a),
            figure(likeness.containment_of_b),
            counted(self.summary.settings.shingle.get() as u64, "token"),
        )
    }

    /// Both texts, paragraphs that say the same beside each other.
    fn texts(&mut self, two: &Comparison, likeness: &MeasuredLikeness, texts: [&ExplainedText; 2]) {
        let marks = [
            merged(likeness.shared.iter().map(|passage| passage.a)),
            merged(likeness.shared.iter().map(|passage| passage.b)),
        ];
        let all = likeness.exact || self.summary.settings.content == "all";
        let blocks = [blocks(&two.a, texts[0], all), blocks(&two.b, texts[1], all)];
        let wide = self.width >= SIDE_BY_SIDE;
        let column = if wide { (self.width - 3) / 2 } else { self.width };
        let shown = |page: &Page, side: usize, block: Option<&Block>| {
            let letter = if wide { "" } else { ["a", "b"][side] };
            block.map_or_else(Vec::new, |block| page.block(block, letter, texts[side], &marks[side], column))
        };
        if wide {
            let head = |letter| vec![Line::of(Style::Strong, letter)];
            self.lines.extend(beside(head("a"), head("b"), column));
        }
        for [left, right] in rows(&blocks, &likeness.beside) {
            let left = shown(self, 0, left.map(|block| &blocks[0][block]));
            let right = shown(self, 1, right.map(|block| &blocks[1][block]));
            match wide {
                true => self.lines.extend(beside(left, right, column)),
                false => self.lines.extend(left.into_iter().chain(right)),
            }
            let gap =
                if wide { beside(vec![Line::default()], Vec::new(), column) } else { vec![Line::default()] };
            self.lines.extend(gap);
        }
        self.lines.pop(); // the last gap
    }

    fn block(
        &self,
        block: &Block,
        letter: &str,
        text: &ExplainedText,
        marks: &[Span],
        width: usize,
    ) -> Vec<Line> {
        let label = match block.last == block.first {
            true => format!("{letter}{}", block.first),
            false => format!("{letter}{}-{}", block.first, block.last),
        };
        let room = label.len().max(4) + 1;
        let room_for_text = width.saturating_sub(room).max(MIN_TEXT);
        let lines = match block.boilerplate {
            true => {
                let shown =
                    excerpt(slice(&text.text, block.span), room_for_text.saturating_sub(LEFT_OUT.len()));
                vec![Line::of(Style::Dim, &format!("{LEFT_OUT}{shown}"))]
            }
            false => {
                let first = marks.partition_point(|mark| mark.end <= block.span.start);
                let inside = marks[first..].iter().take_while(|mark| mark.start < block.span.end);
                let cut = |mark: &Span| Span {
                    start: mark.start.max(block.span.start) - block.span.start,
                    end: mark.end.min(block.span.end) - block.span.start,
                };
                let inside: Vec<Span> = inside.map(cut).collect();
                wrapped(slice(&text.text, block.span), &inside, Style::Plain, self.ink, room_for_text)
            }
        };
        labelled(Line::of(Style::Dim, &label), room, lines)
    }

    /// A passage with its label: its first and last words, or the whole of it.
    fn passage(&mut self, label: &str, text: &str) {
        let room = 3 + label.len().max(5) + 1;
        let width = self.width.saturating_sub(room).max(MIN_TEXT);
        let lines = match self.full {
            true => wrapped(text, &[], Style::Plain, self.ink, width),
            false => vec![Line::of(Style::Plain, &excerpt(text, width))],
        };
        let label = Line::of(Style::Dim, &format!("   {label}"));
        self.lines.extend(labelled(label, room, lines));
    }

    fn say(&mut self, sentence: &str) {
        let indent = sentence.len() - sentence.trim_start_matches(' ').len();
        self.add(sentence, Style::Plain, indent.max(2));
    }

    /// A sentence whose further lines are indented.
    fn add(&mut self, sentence: &str, style: Style, indent: usize) {
        let first = sentence.len() - sentence.trim_start_matches(' ').len();
        let width = self.width.saturating_sub(indent).max(MIN_TEXT);
        let lines = wrapped(sentence, &[], style, self.ink, width);
        for (number, line) in lines.into_iter().enumerate() {
            let room = if number == 0 { first } else { indent };
            self.lines.extend(labelled(Line::default(), room, vec![line]));
        }
    }

    fn blank(&mut self) {
        self.lines.push(Line::default());
    }
}

/// Columns that a text has at least, however narrow the terminal.
const MIN_TEXT: usize = 20;

/// Before boilerplate that was not compared.
const LEFT_OUT: &str = "boilerplate: ";

/// Consecutive paragraphs that are shown as one.
struct Block {
    first: usize,
    last: usize,
    span: Span,
    /// It was not compared.
    boilerplate: bool,
}

/// The paragraphs of a document, each run of boilerplate in one, unless `all` was compared.
fn blocks(explained: &Explanation, text: &ExplainedText, all: bool) -> Vec<Block> {
    let left_out: Vec<Place> = explained
        .findings
        .iter()
        .filter(|finding| finding.finding == Kind::Boilerplate && !all)
        .filter_map(|finding| finding.place)
        .collect();
    let mut blocks: Vec<Block> = Vec::new();
    let mut left_out = left_out.into_iter().peekable();
    for (paragraph, &span) in text.paragraph_spans.iter().enumerate() {
        while left_out.next_if(|place| place.paragraphs[1] < paragraph).is_some() {}
        let place = left_out.peek().filter(|place| place.paragraphs[0] <= paragraph);
        match (place, blocks.last_mut()) {
            (Some(place), Some(block)) if block.boilerplate && place.paragraphs[0] < paragraph => {
                (block.last, block.span.end) = (paragraph, span.end);
            }
            (place, _) => {
                blocks.push(Block { first: paragraph, last: paragraph, span, boilerplate: place.is_some() });
            }
        }
    }
    blocks
}

/// Which blocks stand in one row: those that say the same, and what is left between these as it comes.
fn rows(blocks: &[Vec<Block>; 2], pairs: &[[usize; 2]]) -> Vec<[Option<usize>; 2]> {
    let at = |side: usize, paragraph: usize| blocks[side].partition_point(|block| block.last < paragraph);
    let ends = [blocks[0].len(), blocks[1].len()];
    let mut rows = Vec::new();
    let mut next = [0, 0];
    for pair in pairs.iter().map(|pair| [at(0, pair[0]), at(1, pair[1])]).chain([ends]) {
        let left_over = (pair[0] - next[0]).max(pair[1] - next[1]);
        let between = |side: usize, row: usize| Some(next[side] + row).filter(|block| *block < pair[side]);
        rows.extend((0..left_over).map(|row| [between(0, row), between(1, row)]));
        if pair != ends {
            rows.push([Some(pair[0]), Some(pair[1])]);
            next = [pair[0] + 1, pair[1] + 1];
        }
    }
    rows
}

/// Spans that overlap or touch as one, in order.
fn merged(spans: impl Iterator<Item = Span>) -> Vec<Span> {
    let mut spans: Vec<Span> = spans.collect();
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::new();
    for span in spans {
        match merged.last_mut().filter(|last| span.start <= last.end) {
            Some(last) => last.end = last.end.max(span.end),
            None => merged.push(span),
        }
    }
    merged
}

/// How many tokens of a text were compared.
fn compared(likeness: &MeasuredLikeness, text: &ExplainedText) -> u64 {
    (if likeness.exact { text.tokens } else { text.content_tokens }) as u64
}

/// The text under a span; nothing where the span was made for another text.
fn slice(text: &str, span: Span) -> &str {
    text.get(span.start..span.end).unwrap_or_default()
}

/// `id (shard#ordinal)`, or only that where it is the id.
fn named(document: &Reference) -> String {
    let place = format!("{}#{}", document.shard, document.ordinal);
    if document.id == place { place } else { format!("{} ({place})", document.id) }
}

fn named_paragraph(document: &Reference) -> String {
    let paragraph = document.paragraph.map_or(String::new(), |paragraph| format!(" paragraph {paragraph}"));
    format!("{}{paragraph}", named(document))
}

fn is_same(one: &Reference, other: &Reference) -> bool {
    (&one.shard, one.ordinal) == (&other.shard, other.ordinal)
}

fn witness(finding: &Finding) -> Option<&Reference> {
    match &finding.evidence {
        Evidence::Duplicate { of, .. } => Some(of),
        _ => None,
    }
}

fn likeness(exact: bool, jaccard: f64, containment: f64) -> String {
    match exact {
        true => "equal, token by token".to_owned(),
        false => format!("Jaccard {}, containment {}", figure(jaccard), figure(containment)),
    }
}

fn paragraphs(place: Place) -> String {
    match place.paragraphs {
        [first, last] if first == last => format!("paragraph {first}"),
        [first, last] => format!("paragraphs {first} to {last}"),
    }
}

/// `paragraph 3`, `paragraphs 3, 4 and 7`.
fn listed(noun: &str, numbers: &[usize]) -> String {
    let shown: Vec<String> = numbers.iter().map(usize::to_string).collect();
    match shown.split_last() {
        None => format!("no {noun}"),
        Some((last, [])) => format!("{noun} {last}"),
        Some((last, others)) => format!("{noun}s {} and {last}", others.join(", ")),
    }
}

/// A share with four digits; all digits where four would make it 1.
fn figure(share: f64) -> String {
    let rounded = (share * 1e4).round() / 1e4;
    if rounded == 1.0 || rounded == 0.0 { share.to_string() } else { rounded.to_string() }
}

/// The fields of evidence that has no sentence here.
fn fields(evidence: &Evidence) -> String {
    let value = serde_json::to_value(evidence).unwrap_or_default();
    let fields = value.as_object().into_iter().flatten();
    let shown = fields.map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name} {text}"),
        None => format!("{name} {value}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// A word as a shell takes it.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./#,:+@%".contains(c);
    match !text.is_empty() && !text.starts_with('#') && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_rows(lengths: [usize; 2], pairs: &[[usize; 2]], expected: &[[Option<usize>; 2]]) {
        let block = |paragraph| Block {
            first: paragraph,
            last: paragraph,
            span: Span { start: 0, end: 0 },
            boilerplate: false,
        };
        let blocks = lengths.map(|length| (0..length).map(block).collect());
        assert_eq!(rows(&blocks, pairs), expected, "{lengths:?}, {pairs:?}");
    }

    #[test]
    fn what_says_the_same_stands_in_one_row() {
        check_rows([2, 2], &[[0, 0], [1, 1]], &[[Some(0), Some(0)], [Some(1), Some(1)]]);
        check_rows([1, 3], &[[0, 1]], &[[None, Some(0)], [Some(0), Some(1)], [None, Some(2)]]);
        check_rows([2, 2], &[[1, 1]], &[[Some(0), Some(0)], [Some(1), Some(1)]]);
        check_rows([2, 1], &[], &[[Some(0), Some(0)], [Some(1), None]]);
        check_rows([0, 0], &[], &[]);
    }

    #[test]
    fn figures_never_round_to_what_they_are_not() {
        for (share, shown) in [
            (1.0, "1"),
            (0.0, "0"),
            (0.84816, "0.8482"),
            (0.8, "0.8"),
            (0.99999, "0.99999"),
            (1e-6, "0.000001"),
        ] {
            assert_eq!(figure(share), shown);
        }
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (text, quoted) in [
            ("clean/", "clean/"),
            ("a#1", "a#1"),
            ("#1", "'#1'"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's;$(rm)", r"'it'\''s;$(rm)'"),
        ] {
            assert_eq!(word(text), quoted);
        }
    }

    #[test]
    fn spans_that_meet_are_one() {
        let span = |(start, end)| Span { start, end };
        let found = merged([(5, 9), (0, 2), (2, 4), (6, 7), (8, 12)].into_iter().map(span));
        assert_eq!(found, [(0, 4), (5, 12)].map(span));
    }

    #[test]
    fn evidence_without_a_sentence_tells_its_fields() {
        let evidence: Evidence = serde_json::from_str(r#"{"coverage":0.9,"in":[3,4]}"#).unwrap();
        assert_eq!(fields(&evidence), "coverage 0.9, in [3,4]");
    }
}
