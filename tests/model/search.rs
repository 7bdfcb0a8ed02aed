//! Breadth first over all orders of moves, so that the first story of a fault is a shortest one.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write as _;

use crate::World;
use crate::judge::Broken;
use crate::product::Product;
use crate::scenarios::Config;
use crate::state::{Budget, Few, Params, State, Status};

/// What a search came to.
#[derive(Debug, Default)]
pub struct Found {
    /// Each fault, with its shortest story.
    pub broken: Vec<(&'static str, String)>,
    pub states: usize,
    pub depth: usize,
}

impl Found {
    /// Whether a fault of this invariant, as `I2`, was found.
    pub fn breaks(&self, invariant: &str) -> bool {
        self.broken.iter().any(|(text, _)| text.starts_with(invariant))
    }

    /// All faults and their stories.
    pub fn tell(&self) -> String {
        let stories: Vec<String> = self
            .broken
            .iter()
            .map(|(text, story)| format!("{text}\n{story}"))
            .collect();
        stories.join("\n")
    }
}

/// Where a state came from.
struct Visit {
    state: State,
    from: usize,
    label: &'static str,
    depth: usize,
}

/// Searches all that can happen; `until`: stops at the first fault of this invariant.
pub fn search(config: Config, until: Option<&str>) -> Found {
    let begin = config.begin();
    let mut world = World {
        config,
        product: Product::default(),
    };
    let mut visits = vec![Visit {
        state: begin,
        from: 0,
        label: "",
        depth: 0,
    }];
    let mut known = HashSet::from([begin]);
    let mut rested: HashMap<State, [Broken; 2]> = HashMap::new();
    let mut queue = VecDeque::from([0]);
    let mut found = Found::default();
    while let Some(at) = queue.pop_front() {
        let state = visits[at].state;
        found.depth = visits[at].depth;
        let core = core(&state);
        let rest = *rested.entry(core).or_insert_with(|| {
            let unspent = State {
                budget: Budget::default(),
                ..state
            };
            [false, true].map(|closed| world.settles(&unspent, closed))
        });
        for broken in rest.into_iter().flatten() {
            found.note(broken, || story(&visits, at, "from here on the operator alone"));
        }
        for step in world.moves(&state) {
            if let Some(broken) = step.broken {
                found.note(broken, || story(&visits, at, step.label));
                // A false report is followed further, a wrong write is not.
                if !broken.starts_with("I4") {
                    continue;
                }
            }
            if known.insert(step.next) {
                queue.push_back(visits.len());
                visits.push(Visit {
                    state: step.next,
                    from: at,
                    label: step.label,
                    depth: found.depth + 1,
                });
            }
        }
        if until.is_some_and(|invariant| found.breaks(invariant)) {
            break;
        }
    }
    found.states = visits.len();
    found
}

impl Found {
    fn note(&mut self, broken: &'static str, story: impl FnOnce() -> String) {
        if !self.broken.iter().any(|(text, _)| *text == broken) {
            self.broken.push((broken, story()));
        }
    }
}

/// What the operator comes to by itself does not depend on the rest.
fn core(s: &State) -> State {
    let recorded = s.sync.is_some_and(|sync| s.recorded & 1 << sync.uid != 0);
    State {
        budget: Budget::default(),
        seals: Few::none(),
        backups: Few::none(),
        ever: 0,
        last: None,
        wrote: 0,
        recorded: u8::from(recorded),
        late: None,
        ..*s
    }
}

fn story(visits: &[Visit], at: usize, last: &str) -> String {
    let mut path = vec![at];
    while let Some(&at) = path.last().filter(|at| **at != 0) {
        path.push(visits[at].from);
    }
    let mut story = String::new();
    for (number, at) in path.iter().rev().enumerate() {
        let visit = &visits[*at];
        let label = if number == 0 { "at first" } else { visit.label };
        let _ = writeln!(story, "  {number:2} {label:<58} {}", short(&visit.state));
    }
    let _ = writeln!(story, "  {:2} {last}", path.len());
    story
}

/// What is so, short enough for a line.
fn short(s: &State) -> String {
    let Status { rec, writing } = s.status;
    let rec = rec.map_or("no record".to_owned(), |rec| {
        format!("r{} {}", rec.revision, versions(&rec.params))
    });
    let writing = writing.map_or(String::new(), |revision| format!(", writing r{revision}"));
    let secret = s.secret.map_or("none".to_owned(), |secret| {
        let seal = secret
            .seal
            .map_or(String::new(), |seal| format!(" sealed r{}", seal.revision));
        secret.data.map_or("by hand".to_owned(), |data| versions(&data)) + &seal
    });
    let gate = if s.closed { "closed" } else { "open" };
    format!(
        "{gate}; upstream {}; status {rec}{writing}; Secret {secret}",
        versions(&s.up)
    )
}

fn versions(params: &Params) -> String {
    let named = ["p", "q"].into_iter().zip(params);
    let each = named.filter_map(|(name, version)| {
        version.map(|version| format!("{name}{}{}", version.number, "'".repeat(version.made.into())))
    });
    each.collect::<Vec<_>>().join("+")
}
