// The money of a split: its sums, what gives way when one part moves, the best split of a budget, and its scenario.

const sum = amounts => amounts.reduce((all, amount) => all + amount, 0);
const totalOf = money => sum(money.map(sum));

// Amounts that add up to `wanted`: those that are not held give or take in proportion, each within [least, most].
function sharedOut(amounts, limits, held, wanted) {
  const found = amounts.slice(), fixed = held.slice();
  for (;;) {
    const free = found.map((_, at) => at).filter(at => !fixed[at]);
    if (!free.length) return found;
    const left = wanted - sum(found.filter((_, at) => fixed[at])), now = sum(free.map(at => amounts[at]));
    for (const at of free) found[at] = now > 0 ? amounts[at] * left / now : left / free.length;
    const over = free.filter(at => found[at] > limits[at][1]), under = free.filter(at => found[at] < limits[at][0]);
    if (!over.length && !under.length) return found;
    const above = sum(over.map(at => found[at] - limits[at][1])), below = sum(under.map(at => limits[at][0] - found[at]));
    for (const at of above >= below ? over : under) {
      found[at] = limits[at][above >= below ? 1 : 0];
      fixed[at] = true;
    }
  }
}

// One channel's money by decision with another total: in proportion, or evenly over the time where there was none.
function withTotal(money, even, total) {
  const now = sum(money), shape = now > 0 ? money : even, whole = sum(shape);
  return shape.map(amount => whole > 0 ? amount * total / whole : 0);
}

const mixed = (one, two, share) => one.map((row, at) => row.map((amount, k) => (1 - share) * amount + share * two[at][k]));

// The best split of a total, between those of its neighbours; beyond them all the nearest one, in proportion.
function bestOf(best, total) {
  const spends = best.map(([, , split]) => totalOf(split)), last = best.length - 1;
  const near = 1e-9 * total, at = spends.findIndex(spend => spend >= total - near);
  if (at < 0 || (at === 0 && spends[0] > total + near)) {
    const edge = at < 0 ? last : 0;
    return { split: best[edge][2].map(row => row.map(amount => amount * total / spends[edge])), value: null };
  }
  const to = at, from = spends[to] <= total + near ? to : to - 1;
  const share = from === to ? 0 : (total - spends[from]) / (spends[to] - spends[from]);
  const value = (1 - share) * best[from][0] + share * best[to][0];
  return { split: mixed(best[from][2], best[to][2], share), value, between: [spends[from], spends[to]] };
}

// The rules of the scenario that a split does not keep, by name.
function unkept(rules, money) {
  const cells = money.flat(), total = sum(cells), slack = 1e-7 * total;
  return rules.filter(([, low, high, flight, share, places, weights]) => {
    const amount = sum(places.map((cell, at) => cells[cell] * (weights.length ? weights[at] : 1)));
    const least = low === null ? -Infinity : share ? share * total : low;
    const most = high === null ? Infinity : share ? share * total : high;
    return amount < least - slack || amount > most + slack || (flight && amount > slack && amount < flight - slack);
  }).map(([name]) => name);
}

// Money as a file has it: to a hundredth of a cent, and what is less than one unit to six figures.
const filed = amount => Number(amount >= 1 ? amount.toFixed(4) : amount.toPrecision(6));
const filedSum = amounts => Number(sum(amounts).toPrecision(15));

// The split as a scenario that fixes the money of each channel in each decision, and leaves out all other rules.
function scenarioText({ saved: [, around, after], channels }, money, name) {
  const rounded = money.map(row => row.map(filed));
  const tables = rounded.map((row, at) => {
    const [head, more] = channels[at].saved, several = row.length > 1;
    const committed = several ? `committed = [${row.join(", ")}]\n` : "";
    return `${head}locked = ${filedSum(row)}\n${committed}${more}`;
  });
  const total = filedSum(rounded.map(filedSum));
  return [`name = ${name}\n${around}budget = { total = ${total} }\n`, ...tables, after].filter(Boolean).join("\n");
}

// A text as TOML has it, without what TOML cannot hold.
const quoted = text => JSON.stringify(firstOf(text.replace(/\x7f/g, " "), 190));

// The first letters of a text; no letter is cut in two, and half letters, which are none, are marked.
const firstOf = (text, letters) => Array.from(text).slice(0, letters).join("").replace(/\p{Surrogate}/gu, "\ufffd");

const SIZES = { k: 1e3, m: 1e6, bn: 1e9, tn: 1e12 };

// A number as people type it: 1500000, 1,500,000, 1.500.000, 1 500 000, 12,5, 1.5 m or 1e6; NaN where it is none.
function read(text) {
  const bare = text.replace(/[\s'’_%]/g, "").replace(told.currency, "").toLowerCase();
  const [, sign, digits, power, size] = /^([+-]?)([\d.,]+)(e[+-]?\d+)?(k|m|bn|tn)?$/.exec(bare) || [];
  if (!digits) return NaN;
  let plain = digits;
  if (/^\d{1,3}(,\d{3})+(\.\d*)?$/.test(digits)) plain = digits.replace(/,/g, "");
  else if (/^\d{1,3}((\.\d{3}){2,}(,\d*)?|\.\d{3},\d*)$/.test(digits)) plain = digits.replace(/\./g, "").replace(",", ".");
  else if (/^\d*,\d*$/.test(digits)) plain = digits.replace(",", ".");
  return Number(sign + plain + (power || "")) * (SIZES[size] || 1);
}

// Numbers as people read them: as engine/words.py has it.
function number(amount) {
  const size = Math.abs(amount);
  for (const [limit, unit, name] of [[1e12, 1e12, " tn"], [1e9, 1e9, " bn"], [1e6, 1e6, " m"], [1e4, 1e3, " k"]]) {
    if (size >= limit * 0.9995) {
      const figures = Number((amount / unit).toPrecision(3));
      return figures.toFixed(Math.max(0, 2 - Math.floor(Math.log10(Math.abs(figures))))) + name;
    }
  }
  if (size >= 100 || amount === Math.round(amount)) return Math.round(amount).toLocaleString("en-US");
  return String(Number(amount.toPrecision(3)));
}

const signed = amount => (amount > 0 ? "+" : "") + number(amount);
const percent = share => `${(100 * share).toFixed(1)}\u00a0%`;
