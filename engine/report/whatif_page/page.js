// The page itself: what is moved, what follows from it, and how that is told.

const told = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);
const { channels, edges, decisions } = told;
const works = channels.map(channel => worked(channel, told));
const before = decoded(told.columns[told.before], told.draws), today = channels.map(channel => channel.today);
const planned = told.best[told.planned][2], asked = totalOf(planned), usual = spread(before);
const lengths = decisions.map((_, at) => edges[at + 1] - edges[at]);
const even = lengths.map(length => asked * length / edges[edges.length - 1]);
const state = { money: planned.map(row => row.slice()), scope: -1, locked: channels.map(() => false), kept: channels.map(() => true), limited: "" };
const results = [];
let value = new Float64Array(told.draws), best = null;

// What a channel spends in what is decided: the whole horizon, or one decision.
const amountOf = (row, scope = state.scope) => scope < 0 ? sum(row) : row[scope];

function limitsOf(at) {
  const channel = channels[at], scope = state.scope;
  const [least, most] = scope < 0 ? channel.limits : [channel.least[scope], channel.most[scope]];
  return [least, most === null ? Infinity : most];
}

const boundsOf = at => state.kept[at] ? limitsOf(at) : [0, Infinity];
const within = (amount, [least, most]) => Math.min(Math.max(amount, least), most);

// Gives channels new amounts in what is decided, and works those out anew that have changed.
function spend(amounts) {
  const changed = amounts.map((amount, at) => amount !== amountOf(state.money[at]));
  amounts.forEach((amount, at) => {
    if (!changed[at]) return;
    if (state.scope < 0) state.money[at] = withTotal(state.money[at], openEven(at), amount);
    else state.money[at][state.scope] = amount;
  });
  refresh(changed);
}

// An even course over the decisions in which a channel has an open date.
const openEven = at => even.map((amount, k) => channels[at].most[k] === 0 ? 0 : amount);

// What a channel may have so that the others, as far as they may move, keep the total.
function roomOf(at, amounts) {
  const rest = amounts.map((amount, one) => state.locked[one] ? [amount, amount] : boundsOf(one)).filter((_, one) => one !== at);
  const total = sum(amounts), [least, most] = [0, 1].map(end => sum(rest.map(ends => ends[end])));
  return [Math.max(0, total - most), Math.max(0, total - least)];
}

function moved(at, amount) {
  const amounts = state.money.map(row => amountOf(row)), total = sum(amounts), own = within(Math.max(0, amount), boundsOf(at));
  if (!$("hold").checked) {
    state.limited = limitedTold(channels[at].name, amount, own, "its floor and cap allow");
    amounts[at] = own;
    return spend(amounts);
  }
  const room = roomOf(at, amounts), given = within(own, room);
  if (given !== within(given, boundsOf(at))) {
    state.limited = `Nothing was moved: with the total held, the others leave ${channels[at].name} no money within its floor and cap.`;
    return show();
  }
  state.limited = limitedTold(channels[at].name, amount, given, given === own ? "its floor and cap allow" : "the others can give or take with the total held");
  const held = state.locked.map((locked, one) => locked || one === at);
  amounts[at] = given;
  spend(sharedOut(amounts, amounts.map((_, one) => boundsOf(one)), held, total).map(each => Math.max(0, each)));
}

function totalled(total) {
  const amounts = state.money.map(row => amountOf(row));
  const shared = sharedOut(amounts, amounts.map((_, at) => boundsOf(at)), state.locked, Math.max(0, total)).map(each => Math.max(0, each));
  state.limited = limitedTold("The total", total, sum(shared), `floors and caps${state.locked.some(Boolean) ? ", and what is locked," : ""} allow`);
  spend(shared);
}

function replaced(split) {
  state.limited = "";
  const changed = split.map((row, at) => row.some((amount, k) => amount !== state.money[at][k]));
  state.money = split.map(row => row.slice());
  refresh(changed);
}

// Works out what has changed, adds it up and tells it.
function refresh(changed) {
  changed.forEach((isChanged, at) => {
    if (isChanged || !results[at]) results[at] = brought(channels[at], works[at], state.money[at], even);
  });
  value = valueOf(results);
  best = bestOf(told.best, totalOf(state.money));
  show();
}

function valueOf(found) {
  const total = new Float64Array(told.draws);
  found.forEach(({ outcome, cost }, at) => {
    for (let draw = 0; draw < total.length; draw++) total[draw] += channels[at].margin * outcome[draw] - cost;
  });
  return total;
}

function chosen() {
  state.limited = "";
  state.scope = Number($("scope").value);
  show();
}

// One row of controls for each channel.
function built(channel, at) {
  const row = $("lever").content.cloneNode(true).firstElementChild, [range, field] = row.querySelectorAll("input");
  row.querySelector(".lock").setAttribute("aria-label", `lock ${channel.name}`);
  const lock = row.querySelector(".lock"), keep = row.querySelector(".keep"), told = row.querySelector(".told");
  row.classList.add(channel.kind);
  row.querySelector(".name").textContent = channel.name;
  range.setAttribute("aria-label", `Money of ${channel.name}`);
  told.id = `told-${at}`;
  range.setAttribute("aria-describedby", told.id);
  keep.checked = true;
  range.addEventListener("input", () => moved(at, within(rounded(Number(range.value), Number(range.max)), boundsOf(at))));
  field.addEventListener("change", () => typed(at, field.value));
  for (const one of [range, field]) one.addEventListener("change", said);
  lock.addEventListener("change", () => { state.locked[at] = lock.checked; show(); });
  keep.addEventListener("change", () => { state.kept[at] = keep.checked; moved(at, amountOf(state.money[at])); });
  return { row, range, field, lock, keep, told, unit: row.querySelector(".unit"), limits: row.querySelector(".limits") };
}

const MOST_SHARE = 0.95;

// A number that was typed: money, or a share of the total, which the other channels' money gives where it is not held.
// What is no number leaves everything as it is, and so does a share beside which the others could have nothing.
function typed(at, text) {
  const given = Number(text), isHeld = $("hold").checked;
  state.limited = "";
  if (text === "") return show();
  if ($("form").value === "money") return moved(at, given);
  const amounts = state.money.map(row => amountOf(row)), total = sum(amounts), share = given / 100;
  if (!isHeld && share > MOST_SHARE) {
    state.limited = `Nothing was moved: the others keep their money, so a channel has ${percent(MOST_SHARE)} of the total at most; hold the total for more.`;
    return show();
  }
  moved(at, isHeld ? share * total : (total - amounts[at]) * share / (1 - share));
}

// Money as a slider gives it: in steps that people count in.
function rounded(amount, most) {
  const step = 10 ** Math.floor(Math.log10(most / 200 || 1));
  return Math.round(amount / step) * step;
}

function saved() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([textOf()], { type: "application/toml" }));
  link.download = `${$("name").value.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 60) || "my_split"}.toml`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const textOf = () => scenarioText(told, state.money, quoted($("name").value || "my split"));

// What a reader of the screen hears: once a move is made, not on its way.
const said = () => { $("said").textContent = ["decision", "beside", "limited", "unkept"].map(id => $(id)).filter(one => !one.hidden).map(one => one.textContent).join(" "); };

const levers = channels.map(built);
$("levers").append(...levers.map(lever => lever.row));
$("scope").append(new Option("the whole horizon", -1), ...decisions.map((label, at) => new Option(label, at)));
$("scope-label").hidden = decisions.length < 2;
$("name").value = `${firstOf(told.scenario, 180)}: my split`;
$("total").addEventListener("change", () => $("total").value === "" ? show() : totalled(Number($("total").value)));
$("total-range").addEventListener("input", () => totalled(rounded(Number($("total-range").value), Number($("total-range").max))));
for (const name of ["total", "total-range"]) $(name).addEventListener("change", said);
$("scope").addEventListener("change", chosen);
$("form").addEventListener("change", show);
for (const [name, split] of [["plan", () => planned], ["today", () => today], ["best", () => best.split]]) {
  $(`use-${name}`).addEventListener("click", () => { replaced(split()); said(); });
}
for (const box of document.querySelectorAll("details")) box.addEventListener("toggle", show);
$("name").addEventListener("input", show);
$("save").addEventListener("click", saved);
refresh(channels.map(() => true));
introduced();
