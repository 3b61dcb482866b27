//! The kinds of steps of a flow, by the words that a `project.xml` has for them.

use std::fmt;

use crate::model::visible;

/// What kind of step it is. A word that this program does not know stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlowStepKind {
    Assignment,
    Callback,
    Catch,
    CatchAll,
    For,
    GlobalTry,
    GlobalVariable,
    Invoke,
    /// A group of steps.
    Label,
    Logger,
    Metadata,
    Notification,
    Parallel,
    ParallelBranch,
    /// A trigger with several operations.
    Pick,
    PickReceive,
    Publish,
    Receive,
    Reply,
    /// A branch of a switch.
    Route,
    /// A switch.
    Router,
    ScheduleReceive,
    StageFile,
    Stitch,
    Stop,
    StopFaultHandler,
    Subscribe,
    Throw,
    /// A mapping.
    Transformer,
    /// A scope.
    Try,
    Wait,
    While,
    /// One that is not known here.
    Other(String),
}

use FlowStepKind as K;

/// Each kind with the flow's word, the word that a person reads, and the character for it.
static KNOWN: [(FlowStepKind, &str, &str, char); 32] = [
    (K::Assignment, "assignment", "assign", 'ƒ'),
    (K::Callback, "callback", "callback", '→'),
    (K::Catch, "catch", "fault handler", '!'),
    (K::CatchAll, "catchAll", "default fault handler", '!'),
    (K::For, "for", "for each", '↻'),
    (K::GlobalTry, "globalTry", "global scope", '□'),
    (K::GlobalVariable, "globalVariable", "variable", 'ƒ'),
    (K::Invoke, "invoke", "invoke", '→'),
    (K::Label, "label", "group", '□'),
    (K::Logger, "activityStreamLogger", "log", '≡'),
    (K::Metadata, "integrationMetadata", "metadata", '·'),
    (K::Notification, "notification", "notification", '·'),
    (K::Parallel, "parallel", "parallel", '‖'),
    (K::ParallelBranch, "parallelBranch", "branch", '‖'),
    (K::Pick, "pick", "pick", '▷'),
    (K::PickReceive, "pickReceive", "trigger", '▷'),
    (K::Publish, "publish", "publish", '→'),
    (K::Receive, "receive", "trigger", '▷'),
    (K::Reply, "reply", "reply", '■'),
    (K::Route, "route", "route", '◇'),
    (K::Router, "router", "switch", '◇'),
    (K::ScheduleReceive, "scheduleReceive", "schedule", '◷'),
    (K::StageFile, "stageFile", "stage file", '▤'),
    (K::Stitch, "stitch", "stitch", 'ƒ'),
    (K::Stop, "stop", "stop", '■'),
    (K::StopFaultHandler, "ehStop", "stop fault handler", '■'),
    (K::Subscribe, "subscribe", "subscribe", '▷'),
    (K::Throw, "throw", "throw", '!'),
    (K::Transformer, "transformer", "map", '⇄'),
    (K::Try, "try", "scope", '□'),
    (K::Wait, "wait", "wait", '·'),
    (K::While, "while", "while", '↻'),
];

impl FlowStepKind {
    /// The kind of a word of a flow.
    pub fn of(word: &str) -> Self {
        let known = KNOWN.iter().find(|(_, w, ..)| *w == word);
        known.map_or_else(|| Self::Other(visible(word).into_owned()), |(kind, ..)| kind.clone())
    }

    /// The flow's own word.
    pub fn word(&self) -> &str {
        self.known().map_or_else(|| self.other(), |(word, ..)| word)
    }

    /// The word that a person reads.
    pub fn label(&self) -> &str {
        self.known().map_or_else(|| self.other(), |(_, label, _)| label)
    }

    /// One character that stands for it.
    pub fn glyph(&self) -> char {
        self.known().map_or('·', |(.., glyph)| glyph)
    }

    fn known(&self) -> Option<(&'static str, &'static str, char)> {
        let found = KNOWN.iter().find(|(kind, ..)| kind == self);
        found.map(|(_, word, label, glyph)| (*word, *label, *glyph))
    }

    fn other(&self) -> &str {
        match self {
            Self::Other(word) => word,
            _ => "",
        }
    }
}

/// An element without a word.
impl Default for FlowStepKind {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

/// The flow's own word.
impl fmt::Display for FlowStepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_from_its_word_and_says_it_again() {
        for (kind, word, label, _) in &KNOWN {
            assert_eq!(FlowStepKind::of(word), *kind);
            assert_eq!((kind.word(), kind.label()), (*word, *label));
        }
        let new = FlowStepKind::of("teleport");
        assert_eq!(new.word(), "teleport");
        assert_eq!((new.label(), new.glyph()), ("teleport", '·'));
    }
}
