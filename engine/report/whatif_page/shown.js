// How a split is told: sentences, rows, bars and tables. Text from data is only ever set as text.

const amountTold = amount => (told.unit ? `${told.unit} ${number(amount)}` : number(amount));
const changeTold = amount => (told.unit ? `${told.unit} ${signed(amount)}` : signed(amount));
const moneyTold = amount => `${told.currency} ${number(amount)}`;

function show() {
  const range = spread(value);
  $("decision").textContent = unbroken(decisionTold(range));
  $("beside").textContent = besideTold(range);
  showRules(unkept(told.rules, state.money));
  $("limited").hidden = !state.limited;
  $("limited").textContent = unbroken(state.limited);
  levers.forEach(showLever);
  showTotal();
  document.querySelectorAll(".file").forEach(one => { one.textContent = fileName(); });
  showBand(range);
  showBars();
  if ($("table").closest("details").open) showTable();
  if ($("text").closest("details").open) $("text").textContent = textOf();
}

// A sentence whose amounts are not torn apart at the end of a line.
const unbroken = text => text.replace(/ (?=[+-]?\d|(?:k|m|bn|tn)\b)/g, "\u00a0");

function decisionTold(range) {
  const what = told.unit ? (told.measure === "revenue" ? "" : ` of ${told.measure}`) : ` ${told.measure}`;
  const change = spread(value.map((each, draw) => each - before[draw]));
  const same = [change.p05, change.p95].every(each => Math.abs(each) <= Math.max(1e-6, told.tie) * Math.abs(usual.mean));
  const against = told.dated ? "what history spent on its own dates" : "today’s split";
  return `With ${told.dated && isToday() ? "today’s money, on the plan’s dates" : "this split"}: ` +
    `${amountTold(range.mean)}${what} (${number(range.p05)} .. ${number(range.p95)}), ` +
    `${same ? "as much as" : `${changeTold(change.mean)} (${signed(change.p05)} .. ${signed(change.p95)}) against`} ${against}, ` +
    `chance of less ${percent(chanceOfLess(value, before))}.`;
}

const isToday = () => state.money.every((row, at) => row.every((amount, k) => amount === today[at][k]));

const fullTold = amount => `${told.currency} ${whole(amount)}`;

// That something else was asked for than what was done.
function limitedTold(name, asked, done, why) {
  const off = Math.abs(asked - done), rounding = Math.min(0.005, 0.5 * Math.abs(asked));
  return off < rounding || off < 1e-9 * done || asked === done ? "" : `${name} is ${fullTold(done)}, not ${fullTold(asked)}: that is what ${why}.`;
}

function besideTold(range) {
  const total = totalOf(state.money), more = total - totalOf(today), same = Math.abs(more) < 5e-4 * total;
  const beside = same ? "as much as today’s split" : `${moneyTold(Math.abs(more))} ${more > 0 ? "more" : "less"} than today’s split`;
  return `It spends ${moneyTold(total)}, ${beside}. ${bestTold(range)}`;
}

function bestTold(range) {
  if (best.value === null) return `The best splits that this page knows are of ${[0, told.best.length - 1].map(at => moneyTold(totalOf(told.best[at][2]))).join(" to ")}.`;
  const rest = best.value - range.mean, near = Math.abs(rest) < 5e-4 * Math.abs(best.value);
  const line = `The best split of this money brings about ${amountTold(best.value)}`;
  const isMixed = best.between[0] !== best.between[1];
  if (near || (rest < 0 && isMixed)) return `${line}${isMixed ? ", told along a straight line between two budgets" : ""}: no more than this one.`;
  return `${line}: ${amountTold(Math.abs(rest))} ${rest > 0 ? "more" : `less, since it keeps every rule${told.prudence ? " and moves no money for a gain in doubt" : ""}${told.risk ? `, and is chosen by ${told.risk.replace("their", "its")}` : ""}`}.`;
}

// The first four of some names, and how many more there are.
const someOf = (names, between) => names.slice(0, 4).join(between) + (names.length > 4 ? `${between}and ${names.length - 4} more` : "");

function showRules(rules) {
  $("unkept").hidden = !rules.length;
  $("unkept").textContent = !rules.length ? "" : `Not kept of the scenario’s rules: ${someOf(rules, "; ")}.`;
}

// An amount in full: to the unit, the cent, or three figures.
function whole(amount) {
  const size = Math.abs(amount), places = size >= 1000 ? 0 : 2;
  return size >= 0.1 || !size ? amount.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places }) : String(Number(amount.toPrecision(3)));
}

// Puts a slider where an amount lies between its ends.
function slid(range, amount, ends, spoken) {
  const least = Math.min(ends[0], amount), most = Math.max(ends[1], amount);
  [range.min, range.max, range.value] = [least, most, amount];
  range.style.setProperty("--at", `${most > least ? 100 * (amount - least) / (most - least) : 0}%`);
  range.setAttribute("aria-valuetext", spoken);
}

function showTotal() {
  const total = sum(state.money.map(row => amountOf(row))), part = state.scope < 0 ? asked : sum(planned.map(row => row[state.scope]));
  slid($("total-range"), total, [0, Math.max(2 * part, total)], moneyTold(total));
  $("total").value = whole(total);
  const longest = Math.max(9, ...[$("total"), ...levers.map(lever => lever.field)].map(field => field.value.length));
  document.body.style.setProperty("--digits", longest);
  $("save").disabled = !total;
  $("unsaved").hidden = total > 0;
}

function showLever(lever, at) {
  const amount = amountOf(state.money[at]), limits = limitsOf(at), [least, most] = boundsOf(at);
  const total = sum(state.money.map(row => amountOf(row))), inMoney = $("form").value === "money";
  const room = 2 * Math.max(amountOf(planned[at]), amountOf(today[at]), 0.5 * amountOf(even) / channels.length);
  slid(lever.range, amount, [least, most < Infinity ? most : Math.max(room, amount)],
    `${moneyTold(amount)}, ${percent(total ? amount / total : 0)} of the total`);
  lever.field.value = inMoney ? whole(amount) : (total ? 100 * amount / total : 0).toFixed(2);
  lever.field.setAttribute("aria-label", `${channels[at].name}, ${inMoney ? told.currency : "% of the total"}`);
  lever.unit.textContent = inMoney ? told.currency : "%";
  lever.range.disabled = lever.field.disabled = state.locked[at] || isClosed(at);
  lever.limits.textContent = isClosed(at) ? "no open date here" : limitsTold(limits);
  lever.keep.setAttribute("aria-label", `${channels[at].name}: ${lever.limits.textContent}`);
  lever.keep.closest("label").hidden = limits[0] <= 0 && limits[1] === Infinity;
  lever.told.textContent = unbroken(leverTold(at, amount, total));
}

function limitsTold([least, most]) {
  if (most === Infinity) return `keep to ${moneyTold(least)} or more`;
  return `keep within ${least > 0 ? number(least) : "0"} .. ${number(most)}`;
}

function leverTold(at, amount, total) {
  const now = amountOf(today[at]), moved = amount - now, { outcome, next, slope } = results[at], mean = spread(outcome).mean;
  const change = Math.abs(moved) < 5e-4 * Math.max(now, 1) ? "as today" : now > 0 ? `${moved > 0 ? "+" : ""}${percent(moved / now)} on today` : "nothing today";
  const rate = state.scope < 0 ? next : slope[state.scope];
  return `${percent(total ? amount / total : 0)} of the total, ${change}; in all it brings ${outcomeTold(mean)}, the next ${told.currency} 1 brings ${rateTold(rate)}`;
}

const outcomeTold = amount => (told.in_money ? `${told.currency} ${number(amount)}` : `${number(amount)} ${told.outcome}`);
const rateTold = rate => (told.in_money ? `${told.currency} ${rate.toFixed(2)}` : `${number(rate)} ${told.outcome}`);

function made(tag, kind, text = "") {
  const one = document.createElement(tag);
  one.className = kind;
  one.textContent = text;
  return one;
}

// A mark on a track, from one share of its width to another.
function mark(kind, from, to = null) {
  const one = made("i", kind);
  one.style.left = `${100 * from}%`;
  if (to !== null) one.style.width = `${100 * (to - from)}%`;
  return one;
}

function track(...marks) {
  const one = made("div", "track");
  one.append(...marks);
  return one;
}

// An axis that holds 0 and some values: where an amount lies on it as a share, and its line with two to four numbers.
function axis(values, unit) {
  const low = Math.min(0, ...values), high = Math.max(0, ...values), rough = (high - low) / 2 || 1;
  const power = 10 ** Math.floor(Math.log10(rough)), step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find(each => each * power >= rough * (1 - 1e-9)) * power;
  const first = Math.floor(low / step + 1e-9), last = Math.max(Math.ceil(high / step - 1e-9), first + 1), line = made("div", "axis");
  const at = amount => (amount / step - first) / (last - first);
  for (let tick = first; tick <= last; tick++) {
    const isNamed = tick === last && last - first < 3;  // where numbers are many, its name stands below the chart alone
    const label = made("span", "", isNamed ? unit(number(tick * step + 0)) : number(tick * step + 0));
    label.style.left = `${100 * at(tick * step)}%`;
    line.append(label);
  }
  return { at, line, none: low < 0 ? [mark("none", at(0))] : [] };
}

function showBand(range) {
  const ends = [range, usual].flatMap(({ mean, p05, p95 }) => [mean, p05, p95]).concat(best.value === null ? [] : [best.value]);
  const { at, line, none } = axis(ends, end => `${told.unit} ${end}`.trim());
  const rows = [["This split", range, "mean"], ["Today’s split", usual, "mean"]].flatMap(([name, { mean, p05, p50, p95 }]) => [
    made("span", "", name), track(...none, mark("", at(p05), at(p95)), mark("middle", at(p50)), mark("mean", at(mean)))]);
  if (best.value !== null) rows.push(made("span", "", "Best of this money"), track(...none, mark("mean", at(best.value))));
  $("band").replaceChildren(...rows, made("span", ""), line);
  $("band").setAttribute("aria-label", `This split: mean ${amountTold(range.mean)}, nine of ten between ${number(range.p05)} and ${number(range.p95)}, as many above ${number(range.p50)} as below; today’s split: mean ${amountTold(usual.mean)}, ${number(usual.p05)} to ${number(usual.p95)}.`);
}

function showBars() {
  const splits = [state.money, today, best.split].map(split => split.map(row => amountOf(row)));
  const { at: place, line } = axis(splits.flat(), end => `${told.currency} ${end}`);
  const rows = channels.flatMap(({ name, kind }, at) => [
    made("span", "", name), track(mark(kind, 0, place(splits[0][at])), mark("today", place(splits[1][at])), mark("best", place(splits[2][at])))]);
  $("bars").replaceChildren(...rows, made("span", ""), line);
  $("where").textContent = state.scope < 0 ? "" : `, ${decisions[state.scope]}`;
  $("bars").setAttribute("aria-label", channels.map(({ name }, at) => `${name}: ${moneyTold(splits[0][at])}, today ${number(splits[1][at])}`).join("; "));
}

function showTable() {
  const head = ["Channel", `This split (${told.currency})`, "Share", `Today (${told.currency})`, `Best (${told.currency})`, "Brings", "5 %", "95 %", `Next ${told.currency} 1`];
  const full = amount => Math.round(amount).toLocaleString("en-US"), total = totalOf(state.money);
  const rows = channels.map(({ name }, at) => {
    const { mean, p05, p95 } = spread(results[at].outcome), own = sum(state.money[at]);
    return [name, full(own), percent(total ? own / total : 0), full(sum(today[at])), full(sum(best.split[at])), ...[mean, p05, p95].map(outcomeTold), rateTold(results[at].next)];
  });
  const all = new Float64Array(told.draws).map((_, draw) => sum(results.map(({ outcome }) => outcome[draw]))), { mean, p05, p95 } = spread(all);
  rows.push(["All", full(total), percent(1), full(totalOf(today)), full(totalOf(best.split)), ...[mean, p05, p95].map(outcomeTold), ""]);
  $("table").replaceChildren(...[head, ...rows].map((row, at) => {
    const line = document.createElement("tr");
    line.append(...row.map((text, column) => {
      const cell = made(at && column ? "td" : "th", "", text);
      if (!at || !column) cell.scope = at ? "row" : "col";
      return cell;
    }));
    return line;
  }));
  $("table").prepend(made("caption", "quiet", `Money and what it brings over the horizon, ${told.start} to ${told.end}; 5 % and 95 %: nine of ten draws lie between.`));
}

// What does not change while money moves.
function introduced() {
  const off = spread(value).mean - told.mean, exact = Math.abs(off) < 0.005 || Math.abs(off) < 1e-9 * Math.abs(told.mean);
  const apart = `${amountTold(Math.abs(off))} (${(100 * Math.abs(off / told.mean)).toPrecision(2)}\u00a0%) ${off < 0 ? "less" : "more"} than the planner’s own mean of ${amountTold(told.mean)} on all draws`;
  const { draws, of } = told, all = draws === of ? `all ${of} draws of the fit` : `${draws} of the fit’s ${of} draws, evenly chosen, since no more fit into this file`;
  $("asked").textContent = `What if: ${told.scenario}. ${told.start} to ${told.end}. In brackets: where nine of ten draws lie.`;
  document.querySelectorAll(".currency").forEach(one => { one.textContent = told.currency; });
  $("band-note").textContent = `Bar: nine of ten draws; line: the middle one; dot: the mean. All over the horizon, in ${told.unit ? `${told.unit} of ${told.measure}` : told.measure}.`;
  const notes = [
    `The page holds ${all}; with the plan’s split it comes to ${exact ? `the planner’s own mean${told.unit ? " to the cent" : ""}` : apart}.`,
    `Today’s split is what history spent, as the plan compares itself: ${moneyTold(totalOf(today))}. “Chance of less” is the share of draws in which this split brings less than that one.`,
    told.dated ? "Some channels have dates of their own: the button “Today’s split” puts today’s money on the plan’s dates, so it brings another amount than history’s split on its own dates, which is what every split is compared with." : "",
    `The best splits are the planner’s own, of ${told.best.length} budgets from ${moneyTold(totalOf(told.best[0][2]))} to ${moneyTold(totalOf(told.best[told.best.length - 1][2]))}; between two of them the split is mixed in proportion, and its outcome told along a straight line.`,
    told.prudence ? `The best splits charge each move for its doubt (prudence ${told.prudence}), so a split of your own may have a higher mean and a lower chance.` : "",
    told.risk ? `The best splits are chosen by ${told.risk}, not by their mean, so a split of your own may have a higher mean.` : "",
    decisions.length > 1 ? "Moving a channel over the whole horizon keeps its proportions between decisions." : "",
    "Inside a decision the money is spread over the periods as the plan spreads it.",
    told.unchecked.length ? `Rules that this page does not check: ${told.unchecked.join("; ")}.` : "",
  ];
  $("warned").hidden = !told.warnings.length;
  $("warnings").replaceChildren(...told.warnings.map(text => made("li", "", text)));
  $("notes").replaceChildren(...notes.filter(Boolean).map(text => made("li", "", text)));
}
