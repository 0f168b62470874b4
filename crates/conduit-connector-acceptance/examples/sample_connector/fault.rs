//! Ways to be broken.

macro_rules! faults {
    ($($(#[$doc:meta])+ $fault:ident = $name:literal;)+) => {
        /// A way to be broken, chosen by the environment variable `FAULT`.
        #[derive(Clone, Copy)]
        pub(crate) enum Fault {
            $($(#[$doc])+ $fault),+
        }

        impl Fault {
            fn name(self) -> &'static str {
                match self {
                    $(Self::$fault => $name),+
                }
            }
        }
    };
}

faults! {
    /// Prints to stdout after the handshake.
    Stdout = "stdout";
    /// Explains itself on stdout, and exits with 0, when a person starts it.
    CookieAsUsual = "cookie-as-usual";
    /// A version, a name and descriptions that Conduit's acceptance test refuses.
    Specification = "specification";
    /// No author, and other parameters in protocol v1.
    SpecificationOfVersions = "specification-of-versions";
    /// Takes any settings.
    AcceptsAnything = "accepts-anything";
    /// Takes no settings.
    AcceptsNothing = "accepts-nothing";
    /// Answers no lifecycle call.
    LifecycleFails = "lifecycle-fails";
    /// Gives two records one position.
    RepeatsPositions = "repeats-positions";
    /// Skips a record when it is opened at a position.
    LosesOnResume = "loses-on-resume";
    /// Begins anew when it is opened at a position.
    BeginsAnew = "begins-anew";
    /// Gives nothing that was not there when it was opened.
    NoChanges = "no-changes";
    /// Gives what was there as updates.
    Updates = "updates";
    /// Says a position at Stop that it never sent.
    WrongLastPosition = "wrong-last-position";
    /// Never answers Stop.
    StopHangs = "stop-hangs";
    /// Ends the stream of records of its own accord.
    EndsEarly = "ends-early";
    /// Ends the stream with an error when an ack comes.
    RefusesAcks = "refuses-acks";
    /// Gives no records.
    GivesNothing = "gives-nothing";
    /// Leaves out one answer.
    FewAnswers = "few-answers";
    /// Answers in the opposite order.
    AnswersBackwards = "answers-backwards";
    /// Refuses everything after the first record that it refuses.
    RefusesTheRest = "refuses-the-rest";
    /// Answers that it wrote what it did not write.
    WritesNothing = "writes-nothing";
    /// Takes messages of any size.
    AnySize = "any-size";
    /// Takes messages of 1 MiB.
    SmallSize = "small-size";
    /// Never answers Teardown.
    TeardownHangs = "teardown-hangs";
    /// Never answers a second Teardown.
    SecondTeardownHangs = "second-teardown-hangs";
    /// Names schemas that it did not create.
    NamesNoSchema = "names-no-schema";
    /// Encodes one byte too few.
    EncodesWrong = "encodes-wrong";
    /// Calls the schema service without the token.
    NoToken = "no-token";
    /// Exits with 0 where there is no schema service, and says nothing.
    NeedsRegistry = "needs-registry";
    /// Asks for another version of a schema than the record names.
    AsksForAnother = "asks-for-another";
    /// Logs lines of text.
    PlainLog = "plain-log";
    /// Says that it speaks v2 in its handshake, whatever the host offers.
    AlwaysV2 = "always-v2";
    /// Says that it speaks v1 in its handshake, whatever the host offers.
    AlwaysV1 = "always-v1";
    /// Says that it listens where it does not.
    ListensNowhere = "listens-nowhere";
    /// Has a health that is not SERVING.
    Unhealthy = "unhealthy";
    /// Goes on running after Shutdown, and whatever happens to its host.
    NeverEnds = "never-ends";
    /// Ends at once on SIGTERM, as programs do that don't mind it.
    DiesOfSigterm = "dies-of-sigterm";
}

impl Fault {
    pub(crate) fn is_set(self) -> bool {
        std::env::var("FAULT").is_ok_and(|fault| fault == self.name())
    }
}
