//! Faults by key: which fault a key press means, and which of those that hold it ends.

use super::*;

/// The faults that hold on the links of a choice: cuts and delays whose two ends are the two nodes, whichever way round.
pub fn link_faults(lab: &Lab, node: NodeId, choice: LinkChoice) -> Vec<&FaultView> {
    let strikes = |link: &LinkTarget| {
        let other = match (link.from == node, link.to == node) {
            (true, _) => link.to,
            (_, true) => link.from,
            _ => return false,
        };
        match choice {
            LinkChoice::To(wanted) => wanted == other,
            LinkChoice::All => true,
        }
    };
    let on_link = |fault: &Fault| match fault {
        Fault::Cut { link, .. } | Fault::Delay { link, .. } => strikes(link),
        _ => false,
    };
    lab.active_faults().filter(|f| on_link(&f.fault)).collect()
}

/// Whether a fault cuts a link.
pub fn is_cut(fault: &FaultView) -> bool {
    matches!(fault.fault, Fault::Cut { .. })
}

fn lift<'a>(faults: impl IntoIterator<Item = &'a FaultView>) -> Vec<Effect> {
    faults
        .into_iter()
        .filter_map(|f| f.id)
        .map(Effect::Lift)
        .collect()
}

/// A fault key was pressed.
pub(super) fn strike(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(lab) = &model.lab else {
        return Vec::new();
    };
    let Some(node) = lab.selected_node() else {
        return refuse(model, "There is no node to strike.");
    };
    let (id, name) = (node.id, node.name.clone());
    match action {
        // One that stopped itself is down without a fault: crashing it makes one that can be lifted.
        Action::Crash
            if lab
                .active_faults()
                .any(|f| is_crash_of(&f.fault, id) && node.state == NodeState::Down) =>
        {
            refuse(model, format!("{name} is down already."))
        }
        Action::Crash => {
            notice(
                model,
                Tone::Plain,
                format!("{name} crashed; r restarts it."),
            );
            vec![Effect::Inject(Fault::Crash { node: id })]
        }
        Action::Restart => {
            let crashes = lift(lab.active_faults().filter(|f| is_crash_of(&f.fault, id)));
            match (crashes.is_empty(), node.state) {
                (true, NodeState::Down) => refuse(
                    model,
                    format!(
                        "{name} stopped itself; c crashes it for good, and then r restarts it."
                    ),
                ),
                (true, _) => refuse(model, format!("{name} is not down.")),
                (false, _) => {
                    notice(model, Tone::Plain, format!("{name} restarts."));
                    crashes
                }
            }
        }
        Action::PauseNode => {
            let is_pause = |f: &&FaultView| f.fault == Fault::Pause { node: id };
            let pauses = lift(lab.active_faults().filter(is_pause));
            if pauses.is_empty() {
                notice(
                    model,
                    Tone::Plain,
                    format!("{name} pauses; p lets it go on."),
                );
                return vec![Effect::Inject(Fault::Pause { node: id })];
            }
            notice(model, Tone::Plain, format!("{name} goes on."));
            pauses
        }
        Action::CutLink => open_picker(model, id, Purpose::Cut),
        Action::AddDelay => open_picker(model, id, Purpose::Delay(USUAL_DELAY)),
        Action::ClearDelay => {
            let delays = link_faults(lab, id, LinkChoice::All);
            let effects = lift(delays.into_iter().filter(|f| !is_cut(f)));
            if effects.is_empty() {
                return refuse(model, format!("No delay was added to the links of {name}."));
            }
            notice(
                model,
                Tone::Plain,
                format!("The links of {name} are as fast as before."),
            );
            effects
        }
        Action::AnyFault => {
            model.overlay = Some(Overlay::Faults(FaultChooser {
                node: id,
                query: String::new(),
                selected: 0,
                number: 0,
                proposal: None,
            }));
            propose(model)
        }
        Action::HealAll => {
            let effects = lift(lab.active_faults());
            if effects.is_empty() {
                return refuse(model, "No fault holds now.");
            }
            notice(model, Tone::Plain, "Every fault that held is lifted.");
            effects
        }
        _ => Vec::new(),
    }
}

fn is_crash_of(fault: &Fault, wanted: NodeId) -> bool {
    match fault {
        Fault::Crash { node } | Fault::CrashAtDiskOperation { node, .. } => *node == wanted,
        _ => false,
    }
}

fn open_picker(model: &mut Model, node: NodeId, purpose: Purpose) -> Vec<Effect> {
    let Some(lab) = &model.lab else {
        return Vec::new();
    };
    let others = lab.view.nodes.iter().map(|n| n.id).filter(|id| *id != node);
    let mut links: Vec<LinkChoice> = others.map(LinkChoice::To).collect();
    if links.is_empty() {
        return refuse(model, "This node has no links.");
    }
    links.push(LinkChoice::All);
    model.overlay = Some(Overlay::Picker(Picker {
        node,
        purpose,
        links,
        selected: 0,
    }));
    Vec::new()
}

/// Asks for the fault that the chooser, where it is open, stands at.
pub(super) fn propose(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Faults(chooser)) = &mut model.overlay else {
        return Vec::new();
    };
    chooser.proposal = None;
    let (node, number) = (chooser.node, chooser.number);
    let propose = |kind| Effect::Propose { kind, node, number };
    chooser.kind().map(propose).into_iter().collect()
}

/// A fault was chosen.
pub(super) fn strike_by_choice(model: &mut Model, chooser: FaultChooser) -> Vec<Effect> {
    let Some(lab) = &model.lab else {
        return Vec::new();
    };
    let name = lab.name(chooser.node).to_owned();
    let kind = chooser.kind();
    match (chooser.proposal, kind) {
        (Some((fault, what)), _) => {
            notice(model, Tone::Plain, format!("{what}; H heals everything."));
            vec![Effect::Inject(fault)]
        }
        (None, Some(kind)) => refuse(model, format!("{} can't strike {name}.", kind.name)),
        (None, None) => refuse(model, "No fault is called that."),
    }
}

/// A link was chosen.
pub(super) fn strike_link(model: &mut Model, picker: &Picker) -> Vec<Effect> {
    let Some(lab) = &model.lab else {
        return Vec::new();
    };
    let Some(choice) = picker.links.get(picker.selected).copied() else {
        return Vec::new();
    };
    let name = lab.name(picker.node).to_owned();
    let link_name = match choice {
        LinkChoice::To(node) => format!("the link {name} ⇄ {}", lab.name(node)),
        LinkChoice::All => format!("every link of {name}"),
    };
    let targets = targets(picker, choice);
    let (effects, text) = match picker.purpose {
        Purpose::Cut => {
            let cuts = lift(
                link_faults(lab, picker.node, choice)
                    .into_iter()
                    .filter(|f| is_cut(f)),
            );
            if cuts.is_empty() {
                let cut = |link| Fault::Cut {
                    link,
                    in_flight: InFlight::Lost,
                };
                let effects = targets.into_iter().map(cut).map(Effect::Inject).collect();
                (effects, format!("Cut {link_name}; x heals it."))
            } else {
                (cuts, format!("Healed {link_name}."))
            }
        }
        Purpose::Delay(step) => {
            let extra = DELAYS[step];
            let delay = |link| Fault::Delay { link, extra };
            let effects = targets.into_iter().map(delay).map(Effect::Inject).collect();
            (
                effects,
                format!("Added {extra} to {link_name}; D takes it away."),
            )
        }
    };
    notice(model, Tone::Plain, text);
    effects
}

/// The links that a choice means.
fn targets(picker: &Picker, choice: LinkChoice) -> Vec<LinkTarget> {
    let to = |node| LinkTarget {
        from: picker.node,
        to: node,
        direction: Direction::Both,
    };
    match choice {
        LinkChoice::To(node) => vec![to(node)],
        LinkChoice::All => {
            let single = |link: &LinkChoice| match link {
                LinkChoice::To(node) => Some(to(*node)),
                LinkChoice::All => None,
            };
            picker.links.iter().filter_map(single).collect()
        }
    }
}
