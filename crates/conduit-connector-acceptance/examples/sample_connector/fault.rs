//! Ways to be broken.

/// A way to be broken, chosen by the environment variable `FAULT`.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// Prints to stdout after the handshake.
    Stdout,
    /// Explains itself on stdout, and exits with 0, when a person starts it.
    CookieAsUsual,
    /// A version, a name and descriptions that Conduit's acceptance test refuses.
    Specification,
    /// Takes any settings.
    AcceptsAnything,
    /// Gives two records one position.
    RepeatsPositions,
    /// Skips a record when it is opened at a position.
    LosesOnResume,
    /// Says a position at Stop that it never sent.
    WrongLastPosition,
    /// Ends the stream of records of its own accord.
    EndsEarly,
    /// Leaves out one answer.
    FewAnswers,
    /// Answers in the opposite order.
    AnswersBackwards,
    /// Never answers Teardown.
    TeardownHangs,
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::CookieAsUsual => "cookie-as-usual",
            Self::Specification => "specification",
            Self::AcceptsAnything => "accepts-anything",
            Self::RepeatsPositions => "repeats-positions",
            Self::LosesOnResume => "loses-on-resume",
            Self::WrongLastPosition => "wrong-last-position",
            Self::EndsEarly => "ends-early",
            Self::FewAnswers => "few-answers",
            Self::AnswersBackwards => "answers-backwards",
            Self::TeardownHangs => "teardown-hangs",
        }
    }

    pub(crate) fn is_set(self) -> bool {
        std::env::var("FAULT").is_ok_and(|fault| fault == self.name())
    }
}
