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

// What a channel may have in what is decided; in one decision also what its other decisions leave of the whole.
function limitsOf(at) {
  const channel = channels[at], scope = state.scope, open = most => (most === null ? Infinity : most);
  const [least, most] = [channel.limits[0], open(channel.limits[1])];
  if (scope < 0) return [least, most];
  const rest = sum(state.money[at]) - state.money[at][scope], cap = Math.max(0, Math.min(open(channel.most[scope]), most - rest));
  return [Math.min(Math.max(channel.least[scope], least - rest), cap), cap];
}

const isClosed = at => (state.scope < 0 ? channels[at].limits[1] : channels[at].most[state.scope]) === 0;

const boundsOf = at => state.kept[at] ? limitsOf(at) : [0, Infinity];
const within = (amount, [least, most]) => Math.min(Math.max(amount, least), most);

// Gives channels new amounts in what is decided, and works those out anew that have changed.
function spend(amounts) {
  const total = totalOf(state.money) + sum(amounts) - sum(state.money.map(row => amountOf(row)));
  if (!(total <= told.most)) {
    state.limited = TOO_MUCH;
    return show();
  }
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
    state.limited = limitedTold(channels[at].name, amount, own, state.kept[at] ? "its floor and cap allow" : "money can be");
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
  const now = state.money.map(row => amountOf(row)), isBare = !sum(now.filter((_, at) => !state.locked[at]));
  const amounts = isBare ? now.map((amount, at) => state.locked[at] ? amount : amountOf(planned[at])) : now;
  const shared = sharedOut(amounts, amounts.map((_, at) => boundsOf(at)), state.locked, Math.max(0, total)).map(each => Math.max(0, each));
  state.limited = limitedTold("The total", total, sum(shared), `floors and caps${state.locked.some(Boolean) ? ", and what is locked," : ""} allow`);
  spend(shared);
}

// Puts a whole split in place; what is locked stays, and of the best split the others take what is left of the total.
function replaced(split, total = null) {
  const locked = channels.map(({ name }) => name).filter((_, at) => state.locked[at]);
  state.limited = locked.length ? `Locked, so not moved: ${someOf(locked, ", ")}.` : "";
  if (locked.length && total !== null) {
    const amounts = split.map((row, at) => sum(state.locked[at] ? state.money[at] : row)), scope = state.scope;
    state.scope = -1;
    const shared = sharedOut(amounts, amounts.map((_, at) => boundsOf(at)), state.locked, total).map(each => Math.max(0, each));
    split = split.map((row, at) => withTotal(row, openEven(at), shared[at]));
    state.scope = scope;
    state.limited += " The others share the rest as in the best split, which need not be the best beside it.";
  }
  split = split.map((row, at) => state.locked[at] ? state.money[at] : row);
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
  field.addEventListener("change", () => entered(field, given => typed(at, given)));
  for (const one of [range, field]) one.addEventListener("change", said);
  lock.addEventListener("change", () => { state.locked[at] = lock.checked; show(); });
  keep.addEventListener("change", () => { state.kept[at] = keep.checked; state.limited = ""; state.locked[at] ? show() : moved(at, amountOf(state.money[at])); });
  return { row, range, field, lock, keep, told, unit: row.querySelector(".unit"), limits: row.querySelector(".limits") };
}

const MOST_SHARE = 0.95;

const TOO_MUCH = `Nothing was moved: a scenario holds at most ${moneyTold(told.most)}.`;

// The number in a field goes where it belongs; what is none is said, and leaves everything as it is.
function entered(field, taken) {
  const given = read(field.value);
  state.limited = !field.value ? "" : isNaN(given) ? `Nothing was moved: “${firstOf(field.value, 30)}” is no amount.` : Math.abs(given) > told.most ? TOO_MUCH : "";
  if (field.value && !state.limited) taken(given);
  else show();
}

// A number that was typed: money, or a share of the total, which the other channels' money gives where it is not held.
// A share beside which the others could have nothing leaves everything as it is.
function typed(at, given) {
  const isHeld = $("hold").checked;
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
  link.download = fileName();
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const fileName = () => `${$("name").value.toLowerCase().replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 60) || "my_split"}.toml`;

const textOf = () => scenarioText(told, state.money, quoted($("name").value || "my split"));

// What a reader of the screen hears: once a move is made, not on its way.
const said = () => { $("said").textContent = ["decision", "beside", "limited", "unkept"].map(id => $(id)).filter(one => !one.hidden).map(one => one.textContent).join(" "); };

const levers = channels.map(built);
$("levers").append(...levers.map(lever => lever.row));
$("scope").append(new Option("the whole horizon", -1), ...decisions.map((label, at) => new Option(label, at)));
$("scope-label").hidden = decisions.length < 2;
$("name").value = `${firstOf(told.scenario, 180)}: my split`;
$("total").addEventListener("change", () => entered($("total"), totalled));
$("total-range").addEventListener("input", () => totalled(rounded(Number($("total-range").value), Number($("total-range").max))));
for (const name of ["total", "total-range"]) $(name).addEventListener("change", said);
$("scope").addEventListener("change", chosen);
$("form").addEventListener("change", show);
for (const [name, put] of [["plan", () => replaced(planned)], ["today", () => replaced(today)], ["best", () => replaced(best.split, totalOf(state.money))]]) {
  $(`use-${name}`).addEventListener("click", () => { put(); said(); });
}
for (const box of document.querySelectorAll("details")) box.addEventListener("toggle", show);
$("name").addEventListener("input", show);
$("save").addEventListener("click", saved);
new ResizeObserver(() => { document.documentElement.style.scrollPaddingTop = `${$("header").offsetHeight}px`; }).observe($("header"));
refresh(channels.map(() => true));
introduced();
