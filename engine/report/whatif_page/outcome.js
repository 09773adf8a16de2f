// What a channel's money brings, draw by draw: as engine/optimize has it in a course of money through decisions.

const LETTERS = new Uint8Array(128);
{
  let place = 0;
  for (let code = 33; code < 127; code++) if (!"\"&'<>\\".includes(String.fromCharCode(code))) LETTERS[code] = place++;
}

// The numbers of a column; see numbers.py.
function decoded([low, high, isLog, text], count) {
  const numbers = new Float64Array(count), letters = text.length / count, step = (high - low) / (88 ** letters - 1);
  for (let at = 0; at < count; at++) {
    let place = 0;
    for (let letter = 0; letter < letters; letter++) place = 88 * place + LETTERS[text.charCodeAt(at * letters + letter)];
    numbers[at] = text ? low + step * place : low;
  }
  return isLog ? numbers.map(Math.exp) : numbers;
}

// Every part of a family with its draws: [{ name, from, to, taken: [numbers ..] }]
function partsOf(families, columns) {
  let from = 0;
  return families.map(([name, draws, ...taken]) => {
    const part = { name, from, to: from + draws, taken: taken.map(at => decoded(columns[at], draws)) };
    from += draws;
    return part;
  });
}

// Kernels of all draws, by lag and then draw.
function kernels(parts, lags, draws) {
  const all = new Float64Array(lags * draws);
  for (const { name, from, to, taken } of parts) {
    for (let draw = from; draw < to; draw++) {
      const kernel = ADSTOCKS[name](lags, ...taken.map(numbers => numbers[draw - from]));
      for (let lag = 0; lag < lags; lag++) all[lag * draws + draw] = kernel[lag];
    }
  }
  return all;
}

function added(into, row, from, lag, times, draws) {
  for (let draw = 0; draw < draws; draw++) into[row * draws + draw] += times * from[lag * draws + draw];
}

// Stock by row and draw of one unit of a decision's money, where what was spent before works on.
function fromHistory(bought, begin, end, kernel, rows, draws) {
  const gain = new Float64Array(rows * draws);
  for (let at = begin; at < end; at++) {
    if (bought[at]) for (let row = at; row < rows; row++) added(gain, row, kernel, row - at, bought[at], draws);
  }
  return gain;
}

// The same where what is left at the end of the horizon works at its start.
function cycling(bought, begin, end, turned, rows, draws) {
  const gain = new Float64Array(rows * draws);
  for (let at = begin; at < end; at++) {
    if (bought[at]) for (let row = 0; row < rows; row++) added(gain, row, turned, (row - at + rows) % rows, bought[at], draws);
  }
  return gain;
}

// A kernel folded into one turn of the horizon; what is beyond LONGEST periods counts as nothing.
function turnedOver(parts, periods, draws) {
  const lags = periods * Math.max(1, Math.ceil(520 / periods)), kernel = kernels(parts, lags, draws);
  const turned = new Float64Array(periods * draws), total = new Float64Array(draws);
  for (let lag = 0; lag < lags; lag++) {
    added(turned, lag % periods, kernel, lag, 1, draws);
    added(total, 0, kernel, lag, 1, draws);
  }
  return turned.map((sum, at) => sum / total[at % draws]);
}

const FADED = 1e-12;

// Stock that is there whatever is decided: what history left, and in the tail what its pace brings then.
function anyway([pace, known, felt, latest], kernel, periods, rows, draws) {
  const offset = new Float64Array(rows * draws), sums = kernel.slice(), coming = at => (1 - sums[at] > FADED ? 1 - sums[at] : 0);
  for (let at = draws; at < sums.length; at++) sums[at] += sums[at - draws];
  for (let row = 0; row < rows; row++) {
    for (let draw = 0; draw < draws; draw++) {
      offset[row * draws + draw] = pace * coming((known + row) * draws + draw);
    }
    for (let back = 0; back < felt; back++) added(offset, row, kernel, row + 1 + back, latest[back], draws);
    if (row >= periods) added(offset, row, sums, row - periods, pace, draws);
  }
  return offset;
}

// How one channel's money works: what `earned` needs of it.
function worked(channel, told) {
  const { draws, edges, columns } = told, periods = edges[edges.length - 1], decisions = edges.length - 1;
  const bought = decoded(columns[channel.bought], periods), adstock = partsOf(channel.adstock, columns);
  let rows = 1, offset = null, gains = [], weight;
  const each = make => edges.slice(1).map((end, at) => make(edges[at], end));
  if (channel.before) {
    const [pace, known, felt, latest] = channel.before;
    rows = channel.rows;
    const kernel = kernels(adstock, rows + known, draws);
    offset = anyway([pace, known, felt, decoded(columns[latest], felt)], kernel, periods, rows, draws);
    gains = each((begin, end) => fromHistory(bought, begin, end, kernel, rows, draws));
  } else if (adstock.length) {
    rows = periods;
    const turned = turnedOver(adstock, periods, draws);
    gains = each((begin, end) => cycling(bought, begin, end, turned, rows, draws));
  } else {
    gains = [new Float64Array(draws).fill(bought[0])];
  }
  weight = decoded(columns[channel.worth], channel.before ? rows : periods);
  if (!channel.before && rows === 1) weight = [weight.reduce((sum, worth) => sum + worth, 0)];
  const parts = partsOf(channel.saturation, columns).map(prepared);
  const starts = gains.map(gain => Math.max(0, gain.findIndex(each => each > 0)));
  offset ||= new Float64Array(rows * draws);
  const work = { draws, rows, decisions, gains, starts, offset, weight, parts, constant: new Float64Array(draws) };
  work.stock = new Float64Array(rows * draws);
  work.constant = earned(work, new Array(decisions).fill(0)).outcome.map(outcome => -outcome);
  return work;
}

function prepared({ name, from, to, taken: [ceiling, halfway, slope, tail] }) {
  const shape = new Float64Array(3 * (to - from)), ready = READY[name] || asGiven;
  for (let at = 0; at < to - from; at++) shape.set(ready(slope ? slope[at] : 0, tail ? tail[at] : 0), 3 * at);
  return { name, from, to, ceiling, halfway, shape };
}

// The outcome by draw of a channel's money by decision, and the mean outcome of the next unit in each decision.
function earned(work, money) {
  const { stock, gains, starts, offset, constant } = work, outcome = Float64Array.from(constant);
  stock.set(offset);
  money.forEach((amount, decision) => {
    const gain = gains[decision];
    if (amount) for (let at = starts[decision]; at < stock.length; at++) stock[at] += amount * gain[at];
  });
  for (const part of work.parts) responded(work, part, outcome);
  const slope = gains.map((gain, decision) => {
    let sum = 0;
    for (let at = starts[decision]; at < stock.length; at++) sum += stock[at] * gain[at];
    return sum / work.draws;
  });
  return { outcome, slope };
}

// Adds what the draws of one family bring to `outcome`; leaves their rates, the worth of more stock, in place of it.
function responded({ stock, rows, draws, weight }, { name, from, to, ceiling, halfway, shape }, outcome) {
  const share = SATURATIONS[name];
  for (let row = 0; row < rows; row++) {
    for (let draw = from; draw < to; draw++) {
      const own = draw - from, at = row * draws + draw, worth = weight[row] * ceiling[own];
      outcome[draw] += worth * share(stock[at] / halfway[own], shape[3 * own], shape[3 * own + 1], shape[3 * own + 2]);
      stock[at] = worth / halfway[own] * STEEPNESS[0];
    }
  }
}

// What a spend buys, in money at a price of 1, and what one more unit buys.
function tiered(tiers, spend) {
  let bought = 0, from = 0, price = 1;
  for (const [above, next] of tiers) {
    if (spend <= above) break;
    bought += (above - from) / price;
    [from, price] = [above, next];
  }
  return [bought + (spend - from) / price, 1 / price];
}

const NOTHING = 1e-9;

// What a channel brings: outcome by draw, charges, and what the next unit brings by decision and spread as it is.
function brought(channel, work, money, even) {
  const total = money.reduce((sum, amount) => sum + amount, 0);
  const [bought, rate] = tiered(channel.tiers, total);
  const spent = channel.tiers.length ? [bought] : money;
  let { outcome, slope } = earned(work, spent);
  if (spent.some((amount, at) => amount < NOTHING * even[at])) {
    slope = earned(work, spent.map((amount, at) => Math.max(amount, NOTHING * even[at]))).slope;
  }
  const sum = even.reduce((all, amount) => all + amount, 0) || 1;
  const shape = total > NOTHING * sum ? money.map(amount => amount / total) : even.map(amount => amount / sum);
  slope = slope.map(each => each * rate);
  if (!total) outcome.fill(0);
  const cost = money.reduce((all, amount, at) => all + channel.cost[at] * amount, 0);
  return { outcome, cost, slope, next: slope.reduce((all, each, at) => all + each * shape[at], 0) };
}

// Mean and 5, 50 and 95 % points.
function spread(values) {
  const sorted = Float64Array.from(values).sort(), mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  const point = share => {
    const place = share * (sorted.length - 1), low = Math.floor(place), high = Math.min(low + 1, sorted.length - 1);
    return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
  };
  return { mean, p05: point(0.05), p50: point(0.5), p95: point(0.95) };
}

// The share of draws in which a split brings less; what lies within the rounding of the page's columns is a tie.
function chanceOfLess(values, before) {
  let less = 0;
  values.forEach((value, draw) => less += value < before[draw] - told.tie * Math.abs(before[draw]));
  return less / values.length;
}
