//! Templates, read.

use std::iter::Peekable;
use std::str::CharIndices;

use thiserror::Error;

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Node {
    Text(String),
    /// What stands in `{{ … }}`.
    Action(Expression),
}

/// What has a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expression {
    Text(String),
    Integer(i64),
    /// Fields of the record, or of what is in parentheses before them.
    Fields(Option<Box<Expression>>, Vec<String>),
    Index(Box<Expression>, Vec<Expression>),
    ToJson(Box<Expression>),
    /// The pieces of the format, one more than there are values.
    Printf(Vec<Piece>, Vec<Expression>),
}

/// Text of a format, and the verb behind it, but for the last piece.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) verb: Option<char>,
}

/// Why a text is no template that is understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{0}; a template can have fields ({{{{ .Payload.After.name }}}}), index, printf with %s and %v, toJson, and texts and numbers"
)]
pub(crate) struct TemplateError(String);

fn error<T>(text: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError(text.into()))
}

/// The parts of a template.
pub(super) fn nodes(template: &str) -> Result<Vec<Node>, TemplateError> {
    let mut nodes = Vec::new();
    let mut rest = template;
    let mut trim = false;
    while let Some((text, action)) = rest.split_once("{{") {
        let trim_before = action.starts_with("- ") || action.starts_with("-\n") || action.starts_with("-\t");
        push_text(&mut nodes, text, trim, trim_before);
        let action = if trim_before { action[1..].trim_start() } else { action };
        if let Some(comment) = action.trim_start().strip_prefix("/*") {
            let Some((_, after)) = comment.split_once("*/") else { return error("a comment isn't closed") };
            let after = after.trim_start();
            trim = after.starts_with("-}}");
            let Some(after) = after.strip_prefix('-').unwrap_or(after).strip_prefix("}}") else {
                return error("a comment isn't alone in its {{ … }}");
            };
            rest = after;
            continue;
        }
        let mut tokens = Tokens::new(action);
        let expression = pipeline(&mut tokens)?;
        (trim, rest) = match tokens.next()? {
            Token::End { trim, at } => (trim, &action[at..]),
            other => return error(format!("{} is not expected in {{{{ … }}}}", other.shown())),
        };
        nodes.push(Node::Action(expression));
    }
    push_text(&mut nodes, rest, trim, false);
    Ok(nodes)
}

fn push_text(nodes: &mut Vec<Node>, text: &str, trim_start: bool, trim_end: bool) {
    let text = if trim_start { text.trim_start() } else { text };
    let text = if trim_end { text.trim_end() } else { text };
    if !text.is_empty() {
        nodes.push(Node::Text(text.to_owned()));
    }
}

/// Commands, each given what the one before it makes.
fn pipeline(tokens: &mut Tokens<'_>) -> Result<Expression, TemplateError> {
    let mut value = command(tokens, None)?;
    while tokens.peek()? == Token::Pipe {
        tokens.next()?;
        value = command(tokens, Some(value))?;
    }
    Ok(value)
}

/// A function with its arguments, or a value. What is piped in is the last argument.
fn command(tokens: &mut Tokens<'_>, piped: Option<Expression>) -> Result<Expression, TemplateError> {
    let Token::Name(name) = tokens.peek()? else {
        let value = operand(tokens)?;
        if piped.is_some() {
            return error("only a function can stand behind |");
        }
        return Ok(value);
    };
    tokens.next()?;
    let mut arguments = Vec::new();
    while !matches!(tokens.peek()?, Token::Pipe | Token::Close | Token::End { .. }) {
        arguments.push(operand(tokens)?);
    }
    arguments.extend(piped);
    function(&name, arguments)
}

fn function(name: &str, arguments: Vec<Expression>) -> Result<Expression, TemplateError> {
    let mut arguments = arguments.into_iter();
    match (name, arguments.next(), arguments.len()) {
        ("index", Some(of), 1..) => Ok(Expression::Index(Box::new(of), arguments.collect())),
        ("index", ..) => error("index needs a value and a name or number"),
        ("toJson", Some(of), 0) => Ok(Expression::ToJson(Box::new(of))),
        ("toJson", ..) => error("toJson needs one value"),
        ("printf", Some(Expression::Text(format)), values) => {
            let pieces = pieces(&format)?;
            if pieces.len() != values + 1 {
                return error(format!("printf {format:?} needs {} values and has {values}", pieces.len() - 1));
            }
            Ok(Expression::Printf(pieces, arguments.collect()))
        }
        ("printf", ..) => error("printf needs a text as its format"),
        (other, ..) => error(format!("{other:?} is not supported")),
    }
}

fn pieces(format: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let mut piece = Piece::default();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '%' { chars.next() } else { None }) {
            ('%', Some('%')) => piece.text.push('%'),
            ('%', Some(verb @ ('s' | 'v'))) => {
                piece.verb = Some(verb);
                pieces.push(std::mem::take(&mut piece));
            }
            ('%', verb) => return error(format!("printf's %{} is not supported", verb.unwrap_or(' '))),
            (c, _) => piece.text.push(c),
        }
    }
    pieces.push(piece);
    Ok(pieces)
}

/// A value: fields, a text, a number, or something in parentheses with or without fields behind it.
fn operand(tokens: &mut Tokens<'_>) -> Result<Expression, TemplateError> {
    match tokens.next()? {
        Token::Text(text) => Ok(Expression::Text(text)),
        Token::Integer(number) => Ok(Expression::Integer(number)),
        Token::Fields(names) => fields_of_record(names),
        Token::Open => {
            let inner = pipeline(tokens)?;
            match tokens.next()? {
                Token::Close => {}
                other => return error(format!("there is {} where a ) is missing", other.shown())),
            }
            match tokens.adjacent_fields()? {
                Some(names) => Ok(Expression::Fields(Some(Box::new(inner)), names)),
                None => Ok(inner),
            }
        }
        Token::End { .. } => error("there is nothing in {{ }}"),
        other => error(format!("{} is not supported", other.shown())),
    }
}

/// A record's fields are known, so that a wrong one is no error of every record.
fn fields_of_record(names: Vec<String>) -> Result<Expression, TemplateError> {
    let path: Vec<&str> = names.iter().map(String::as_str).collect();
    match path[..] {
        ["Position" | "Operation" | "Metadata"]
        | ["Metadata", _]
        | ["Key", ..]
        | ["Payload", "Before" | "After", ..] => Ok(Expression::Fields(None, names)),
        [] | ["Payload"] => error("a record or a payload as a whole has no text: name a field"),
        _ => error(format!(
            "a record has no .{}: there are .Position, .Operation, .Metadata, .Key, .Payload.Before and .Payload.After",
            path.join(".")
        )),
    }
}

/// What an action is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// `.Payload.After`
    Fields(Vec<String>),
    Name(String),
    Text(String),
    Integer(i64),
    Open,
    Close,
    Pipe,
    /// `}}` or `-}}`, and where the text behind it begins.
    End {
        trim: bool,
        at: usize,
    },
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Fields(names) => format!(".{}", names.join(".")),
            Self::Name(name) => name.clone(),
            Self::Text(text) => format!("{text:?}"),
            Self::Integer(number) => number.to_string(),
            Self::Open => "(".to_owned(),
            Self::Close => ")".to_owned(),
            Self::Pipe => "|".to_owned(),
            Self::End { .. } => "}}".to_owned(),
        }
    }
}

/// Takes an action apart.
struct Tokens<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    ahead: Option<Token>,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, chars: text.char_indices().peekable(), ahead: None }
    }

    fn peek(&mut self) -> Result<Token, TemplateError> {
        if self.ahead.is_none() {
            self.ahead = Some(self.read()?);
        }
        self.ahead.clone().map_or_else(|| error("{{ isn't closed"), Ok)
    }

    fn next(&mut self) -> Result<Token, TemplateError> {
        match self.ahead.take() {
            Some(token) => Ok(token),
            None => self.read(),
        }
    }

    /// Fields that follow without a space.
    fn adjacent_fields(&mut self) -> Result<Option<Vec<String>>, TemplateError> {
        if self.ahead.is_none()
            && self.chars.peek().is_some_and(|(_, c)| *c == '.')
            && let Token::Fields(names) = self.read()?
        {
            return Ok(Some(names));
        }
        Ok(None)
    }

    fn read(&mut self) -> Result<Token, TemplateError> {
        while self.chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        let Some((at, c)) = self.chars.next() else { return error("{{ isn't closed") };
        match c {
            '(' => Ok(Token::Open),
            ')' => Ok(Token::Close),
            '|' => Ok(Token::Pipe),
            '"' => self.quoted(at),
            '`' => self.verbatim(at),
            '.' => self.fields(),
            '}' if self.chars.next_if(|(_, c)| *c == '}').is_some() => Ok(Token::End { trim: false, at: at + 2 }),
            '-' if self.text[at + 1..].starts_with("}}") => Ok(Token::End { trim: true, at: at + 3 }),
            '-' | '0'..='9' => {
                let end = self.end_of(|c| c.is_ascii_alphanumeric() || c == '.');
                let number = &self.text[at..end];
                number.parse().map(Token::Integer).or_else(|_| error(format!("{number} is not supported")))
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = self.end_of(|c| c.is_alphanumeric() || c == '_');
                Ok(Token::Name(self.text[at..end].to_owned()))
            }
            other => error(format!("{other} is not supported")),
        }
    }

    fn fields(&mut self) -> Result<Token, TemplateError> {
        let mut names = Vec::new();
        loop {
            let begin = self.chars.peek().map_or(self.text.len(), |(at, _)| *at);
            let end = self.end_of(|c| c.is_alphanumeric() || c == '_');
            if begin == end {
                // A dot alone is the record.
                return if names.is_empty() {
                    Ok(Token::Fields(names))
                } else {
                    error("a name is missing behind a dot")
                };
            }
            names.push(self.text[begin..end].to_owned());
            if self.chars.next_if(|(_, c)| *c == '.').is_none() {
                return Ok(Token::Fields(names));
            }
        }
    }

    /// Where what belongs to a token ends, which is taken.
    fn end_of(&mut self, belongs: impl Fn(char) -> bool) -> usize {
        while self.chars.next_if(|(_, c)| belongs(*c)).is_some() {}
        self.chars.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    /// A text in quotes. Its escapes are those that JSON has too.
    fn quoted(&mut self, begin: usize) -> Result<Token, TemplateError> {
        while let Some((at, c)) = self.chars.next() {
            match c {
                '\\' => {
                    self.chars.next();
                }
                '"' => {
                    let text = &self.text[begin..=at];
                    return serde_json::from_str(text)
                        .map(Token::Text)
                        .or_else(|_| error(format!("the text {text} is not supported")));
                }
                _ => {}
            }
        }
        error("a text isn't closed")
    }

    fn verbatim(&mut self, begin: usize) -> Result<Token, TemplateError> {
        match self.chars.by_ref().find(|(_, c)| *c == '`') {
            Some((end, _)) => Ok(Token::Text(self.text[begin + 1..end].to_owned())),
            None => error("a text isn't closed"),
        }
    }
}
