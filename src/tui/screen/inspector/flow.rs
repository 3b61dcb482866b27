//! The tabs Flow and Mappings: steps as a tree with what stands beside each.

use super::state::{Fold, InspectorLine, InspectorScreen, LineTarget, plain};
use crate::archive::{FlowStep, FlowStepKind, Integration, blank_value};
use crate::model::plural;
use crate::tui::widgets::tree::{Fact, Tone, TreeItem};

impl InspectorScreen {
    pub(super) fn steps(
        &self,
        it: &Integration,
        steps: &[FlowStep],
        within: &[usize],
        out: &mut Vec<InspectorLine>,
    ) {
        for (i, step) in steps.iter().enumerate() {
            let place = [within, &[i]].concat();
            let fold = Fold::FlowStep(it.id.clone(), place.clone());
            let open = (!step.children.is_empty()).then(|| !self.folded.contains(&fold));
            let note = match step.endpoint.map(|e| &it.endpoints[e]) {
                Some(e) => format!("[{}] {}", e.connection, e.call()),
                None => blank_value(&step.name, &step.detail).into_owned(),
            };
            let tone = match step.kind {
                FlowStepKind::Metadata | FlowStepKind::GlobalVariable => Tone::Dim,
                FlowStepKind::Catch | FlowStepKind::CatchAll | FlowStepKind::Throw => Tone::Warning,
                FlowStepKind::Invoke
                | FlowStepKind::Receive
                | FlowStepKind::PickReceive
                | FlowStepKind::ScheduleReceive
                | FlowStepKind::Publish
                | FlowStepKind::Subscribe => Tone::Accent,
                _ => Tone::Plain,
            };
            let item = TreeItem {
                depth: within.len(),
                open,
                glyph: step.kind.glyph().to_string(),
                text: step.title(),
                note,
                tone,
            };
            let target = match (open, step.files.first()) {
                (Some(_), _) => LineTarget::Fold(fold),
                (None, _) if step.endpoint.is_some() => step
                    .endpoint
                    .and_then(|e| it.endpoints[e].files.iter().find(|f| f.ends_with(".jca")))
                    .map_or(LineTarget::Nothing, |f| LineTarget::File(self.shown_path(it, f))),
                (None, Some(file)) => LineTarget::File(self.shown_path(it, file)),
                (None, None) => LineTarget::Nothing,
            };
            let is_call = matches!(
                step.kind,
                FlowStepKind::Invoke | FlowStepKind::Publish | FlowStepKind::Callback
            );
            out.push(InspectorLine { item, target, facts: step_facts(it, step), is_call });
            if open == Some(true) {
                self.steps(it, &step.children, &place, out);
            }
        }
    }

    pub(super) fn mappings(&self, it: &Integration, out: &mut Vec<InspectorLine>) {
        for (i, mapping) in it.mappings.iter().enumerate() {
            let fold = Fold::Mapping(it.id.clone(), i);
            let open = !self.folded.contains(&fold);
            let item = TreeItem {
                open: Some(open),
                glyph: "⇄".into(),
                text: format!("map to {}", mapping.target),
                note: plural(mapping.assignments.len(), "assignment"),
                tone: Tone::Accent,
                ..TreeItem::default()
            };
            let facts = vec![
                Fact::new("fills", &mapping.target),
                Fact::new("from", mapping.sources.join(", ")),
                Fact::new("file", &mapping.file),
            ];
            let file = self.shown_path(it, &mapping.file);
            let target = LineTarget::Fold(fold);
            out.push(InspectorLine { item, target, facts, ..InspectorLine::default() });
            for a in mapping.assignments.iter().filter(|_| open) {
                let item = TreeItem {
                    depth: 1,
                    text: a.target.clone(),
                    note: format!("← {}", a.shown()),
                    ..TreeItem::default()
                };
                let mut facts = vec![Fact::title(&a.target), Fact::new("gets", a.shown())];
                facts.extend(a.within.iter().map(|w| Fact::toned("within", w, Tone::Warning)));
                let target = LineTarget::File(file.clone());
                out.push(InspectorLine { item, target, facts, ..InspectorLine::default() });
            }
        }
        if it.mappings.is_empty() {
            out.push(plain("no mapping", Tone::Dim));
        }
    }
}

/// The facts that stand beside a step.
fn step_facts(it: &Integration, step: &FlowStep) -> Vec<Fact> {
    let mut out = vec![Fact::title(step.title())];
    if let Some(e) = step.endpoint.map(|e| &it.endpoints[e]) {
        out.push(Fact::new("connection", format!("{} ({})", e.connection, e.adapter)));
        out.push(Fact::new("calls", e.call()));
        if !e.operation.is_empty() && e.operation != e.verb {
            out.push(Fact::new("operation", &e.operation));
        }
        if let Some(m) = it.mappings.iter().find(|m| m.target == format!("{} request", e.name)) {
            out.push(Fact::new(
                "filled by",
                format!("a map of {}", plural(m.assignments.len(), "assignment")),
            ));
        }
        out.push(Fact::new("exchange", &e.mep));
        out.push(Fact::title("settings"));
        out.extend(
            e.settings
                .iter()
                .filter(|(_, v)| !v.is_empty())
                .map(|(k, v)| Fact::new(k, blank_value(k.trim_start_matches("connection."), v))),
        );
        return out;
    }
    if let Some(m) = step.mapping.map(|m| &it.mappings[m]) {
        out.push(Fact::new("fills", &m.target));
        out.push(Fact::new("from", m.sources.join(", ")));
        out.push(Fact::title(plural(m.assignments.len(), "assignment")));
        out.extend(m.assignments.iter().map(|a| {
            let field = a.target.rsplit('/').next().unwrap_or_default();
            Fact::new(field, format!("← {}", a.shown()))
        }));
        return out;
    }
    for (role, e) in step.expressions.iter().filter(|(_, e)| !e.shown().is_empty()) {
        let label = if role.is_empty() { "expression" } else { role };
        out.push(Fact::new(label, blank_value(&e.variable, e.shown())));
        if !e.written.is_empty() && e.written != e.shown() {
            out.push(Fact::toned("", blank_value(&e.variable, &e.written), Tone::Dim));
        }
        out.extend(
            (!e.variable.is_empty()).then(|| Fact::new("variable", format!("${}", e.variable))),
        );
    }
    out.extend(step.settings.iter().map(|(k, v)| Fact::new(k, blank_value(k, v))));
    out.extend(step.files.iter().map(|f| Fact::toned("file", f, Tone::Dim)));
    out
}
