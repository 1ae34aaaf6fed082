"use strict";
// All text goes through textContent, so nothing in the data can become markup.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const COLOURS = ["#0969da", "#1a7f37", "#bf3989", "#9a6700", "#8250df", "#cf222e", "#1b7c83"];
const ROW = 56;
const NODE = 22;

function make(kind, name, ...children) {
  const made = document.createElement(kind);
  if (name) made.className = name;
  made.append(...children.filter((child) => child !== "" && child !== null));
  return made;
}

function drawn(kind, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const widest = Math.max(1, ...data.revisions.map(({ row }) =>
  Math.max(row.lane, ...row.above, ...row.below, ...row.beside) + 1));
const LANE = Math.max(2, Math.min(16, (window.innerWidth < 640 ? 90 : 300) / widest));
const x = (lane) => LANE / 2 + 2 + lane * LANE;
const colour = (lane) => COLOURS[lane % COLOURS.length];

function curve(from, top, to, bottom, dashed) {
  const middle = (top + bottom) / 2;
  return drawn("path", {
    d: `M${x(from)} ${top} C${x(from)} ${middle} ${x(to)} ${middle} ${x(to)} ${bottom}`,
    fill: "none", stroke: colour(Math.max(from, to)), "stroke-width": 2,
    "stroke-dasharray": dashed ? "3 3" : "none",
  });
}

function lanes(revision) {
  const { row, parents, depends } = revision;
  const box = make("div", "lanes");
  const width = widest * LANE + 6;
  box.style.width = `${width}px`;
  box.setAttribute("aria-hidden", "true");
  const top = drawn("svg", { width, height: ROW });
  for (const lane of row.beside) top.append(curve(lane, 0, lane, ROW));
  for (const lane of row.above) top.append(curve(lane, 0, row.lane, NODE));
  row.below.forEach((lane, place) =>
    top.append(curve(row.lane, NODE, lane, ROW, depends.includes(parents[place]))));
  const here = positions.has(revision.revision);
  const radius = Math.min(here ? 6 : 5, LANE / 2 + 1);
  top.append(drawn("circle", {
    cx: x(row.lane), cy: NODE, r: radius, stroke: colour(row.lane), "stroke-width": 2,
    fill: here ? "var(--here)" : revision.on_branch ? "var(--good)" : "var(--back)",
  }));
  // What goes on below the row when it is open.
  const rest = drawn("svg", { width, height: "100%" });
  for (const lane of [...row.beside, ...row.below]) {
    rest.append(drawn("line", {
      x1: x(lane), x2: x(lane), y1: ROW, y2: "100%", stroke: colour(lane), "stroke-width": 2,
    }));
  }
  box.append(rest, top);
  return box;
}

function changed({ kind, name, lines }, level) {
  const all = lines.every((line) => line.before === null) ? "new"
    : lines.every((line) => line.after === null) ? "dropped" : "changed";
  const head = make("tr", "", make("th", "", "part"), make("th", "", "before"), make("th", "", "after"));
  const body = make("tbody");
  for (const line of lines) {
    const same = line.before === line.after;
    body.append(make("tr", same ? "same" : "",
      make("td", "", `${line.kind === "column" ? "" : `${line.kind} `}${line.name}`),
      make("td", line.before !== null && !same ? "gone" : "", line.before ?? ""),
      make("td", line.after !== null && !same ? "come" : "", line.after ?? "")));
  }
  return make("div", "change",
    make(level, "", `${name} `, make("small", "", `${kind.replace("_", " ")}, ${all}`)),
    make("table", "", make("thead", "", head), body));
}

function details(revision) {
  const box = make("div", "details", make("p", "", revision.file));
  if (revision.changes === null) box.append(make("p", "", "What it changes was not looked at."));
  else if (!revision.changes.length) box.append(make("p", "", "No change of the schema."));
  for (const change of revision.changes ?? []) box.append(changed(change, "h3"));
  if (revision.sql) {
    const sql = make("details", "", make("summary", "", "SQL"), make("pre", "sql", revision.sql));
    sql.open = revision.changes === null;
    box.append(sql);
  }
  return box;
}

function item(label, build, graph) {
  const row = make("button", "row", ...label);
  row.type = "button";
  row.setAttribute("aria-expanded", "false");
  const body = make("div", "body", row);
  row.addEventListener("click", () => {
    const open = row.getAttribute("aria-expanded") === "true";
    row.setAttribute("aria-expanded", String(!open));
    if (open) body.lastChild.remove();
    else body.append(build());
  });
  return make("div", "item", ...(graph ? [graph] : []), body);
}

const positions = new Map();
for (const { name, at } of data.databases)
  for (const revision of at) positions.set(revision, [...(positions.get(revision) ?? []), name]);
const followed = new Set(data.revisions.flatMap(({ parents }) => parents));
const touching = new Map(data.tables.map((name) => [name, []]));
for (const revision of data.revisions)
  for (const { name } of revision.changes ?? [])
    touching.set(name, [...(touching.get(name) ?? []), revision]);

function tag(text, name) {
  return make("span", name ? `tag ${name}` : "tag", text);
}

function revisionItem(revision) {
  const about = make("span", "about", make("code", "", revision.revision), make("span", "", revision.date));
  for (const name of positions.get(revision.revision) ?? []) about.append(tag(name, "database"));
  if (!followed.has(revision.revision)) about.append(tag("head"));
  if (revision.parents.length - revision.depends.length > 1) about.append(tag("merge"));
  if (revision.phase) about.append(tag(revision.phase, revision.phase.startsWith("contract") ? "contract" : ""));
  if (revision.on_branch) about.append(tag("this branch", "new"));
  for (const label of revision.labels) about.append(tag(label));
  const made = item([make("span", "message", revision.message || "(no message)"), about],
    () => details(revision), lanes(revision));
  made.id = `r-${revision.revision}`;
  return made;
}

function tableItem(name) {
  const found = touching.get(name);
  const number = found.length === 1 ? "1 revision" : `${found.length} revisions`;
  return item([make("span", "message", name), make("span", "about", number)], () => {
    const box = make("div", "details");
    if (!found.length) box.append(make("p", "", "No revision that was looked at changes it."));
    for (const revision of found) {
      const link = make("a", "", `${revision.revision} ${revision.message}`);
      link.href = `#r-${revision.revision}`;
      link.addEventListener("click", () => { byId("search").value = ""; show("revisions"); });
      box.append(make("p", "", link),
        ...revision.changes.filter((change) => change.name === name).map((each) => changed(each, "h3")));
    }
    return box;
  });
}

const words = (...texts) => texts.join("\n").toLowerCase();
const views = {
  revisions: data.revisions.map((each) => [
    words(each.revision, each.message, each.file, each.phase, ...each.labels,
      ...(positions.get(each.revision) ?? []), ...(each.changes ?? []).map(({ name }) => name)),
    revisionItem(each)]),
  branch: data.branch_changes.map((each) => [
    words(each.name, ...each.lines.map(({ name }) => name)), changed(each, "h2")]),
  tables: [...touching.keys()].sort().map((name) => [words(name), tableItem(name)]),
};
const TITLES = { revisions: "Revisions", branch: "Branch", tables: "Tables" };
let current = "revisions";

function filter() {
  const wanted = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  let number = 0;
  for (const [text, element] of views[current]) {
    const fits = wanted.every((word) => text.includes(word));
    element.hidden = !fits;
    number += fits;
  }
  byId("count").value = `${number} of ${views[current].length}`;
  // Lines between revisions mean nothing when some are left out.
  for (const element of byId("revisions").querySelectorAll(".lanes")) element.hidden = wanted.length > 0;
}

function show(name) {
  current = name;
  for (const each of Object.keys(views)) byId(each).hidden = each !== name;
  for (const button of document.querySelectorAll("nav button"))
    button.setAttribute("aria-current", String(button.dataset.view === name));
  filter();
}

byId("title").textContent = document.title;
byId("databases").append(...data.databases.map(({ name, at, note }) =>
  make("li", "", `${name}: ${note || at.join(", ") || "base"}`)));
byId("notes").append(...data.notes.map((note) => make("li", "", note)));
byId("branch").append(make("p", "", data.branch));
for (const [name, found] of Object.entries(views)) {
  byId(name).append(...found.map(([, element]) => element));
  const button = make("button", "", `${TITLES[name]} ${found.length}`);
  button.type = "button";
  button.dataset.view = name;
  button.addEventListener("click", () => show(name));
  document.querySelector("nav").append(button);
}
byId("search").addEventListener("input", filter);
document.addEventListener("keydown", (event) => {
  const search = byId("search");
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape" && document.activeElement === search) {
    search.value = "";
    filter();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const rows = [...byId(current).querySelectorAll(".item:not([hidden]) .row")];
    const at = rows.indexOf(document.activeElement);
    const next = rows[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (at < 0 && document.activeElement !== search) return;
    event.preventDefault();
    (next ?? (event.key === "ArrowUp" ? search : null))?.focus();
  }
});
show("revisions");
