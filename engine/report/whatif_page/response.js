"use strict";
// How spend works on, and what share of a ceiling it reaches: as engine/response has it, one small function a family.

const REACH = 104, LN2 = Math.LN2, LN3 = Math.log(3), ATANH_HALF = Math.atanh(0.5);

// A kernel is the share of one period's spend that works 0, 1, 2 .. periods later; it sums to one.
function filled(lags, weight) {
  const kernel = new Float64Array(lags);
  for (let lag = 0; lag < lags; lag++) kernel[lag] = weight(lag);
  return kernel;
}

function scaled(lags, weights) {
  let total = 0;
  for (const weight of weights) total += weight;
  return filled(lags, lag => lag < REACH ? weights[lag] / total : 0);
}

function geometric(lags, retain) {
  return filled(lags, lag => (1 - retain) * retain ** lag);
}

function delayed(lags, retain, peak) {
  const nearest = Math.round(peak);
  return scaled(lags, filled(REACH, lag => retain ** ((lag - nearest) * (lag + nearest - 2 * peak))));
}

function weibull_cdf(lags, shape, scale) {
  let lost = 0;
  return scaled(lags, filled(REACH, lag => Math.exp(-(lost += lag ? (lag / scale) ** shape : 0))));
}

function weibull_pdf(lags, shape, scale) {
  const logs = filled(REACH, lag => (shape - 1) * Math.log(lag + 1) - ((lag + 1) / scale) ** shape);
  const most = Math.max(...logs);
  return scaled(lags, logs.map(log => Math.exp(log - most)));
}

function two_speed(lags, retain, retain_slow, slow) {
  const fast = geometric(lags, retain), lasting = geometric(lags, retain_slow);
  return filled(lags, lag => (1 - slow) * fast[lag] + slow * lasting[lag]);
}

function buildup(lags, retain, onset) {
  let sum = 0, power = 1;
  return filled(lags, () => {
    sum = retain * sum + power;
    power *= onset;
    return (1 - retain) * (1 - onset) * sum;
  });
}

const ADSTOCKS = { geometric, delayed, weibull_cdf, weibull_pdf, two_speed, buildup };

// A saturation gives the share of the ceiling that a dose reaches, and leaves the steepness of that curve in STEEPNESS.
// What a family takes beside the dose is made ready once a draw.
const STEEPNESS = new Float64Array(1);

function shared(share, steepness) {
  STEEPNESS[0] = steepness;
  return share;
}

function hill(dose, slope) {
  if (!(dose > 0)) return shared(0, 0);
  const against = Math.exp(-slope * Math.log(dose)), share = 1 / (1 + against);
  return shared(share, slope * share * (1 / (1 + 1 / against)) / dose);
}

function michaelis_menten(dose) {
  const rest = 1 / (1 + dose);
  return shared(dose * rest, rest * rest);
}

function exponential(dose) {
  return shared(-Math.expm1(-LN2 * dose), LN2 * Math.exp(-LN2 * dose));
}

function tanh(dose) {
  const share = Math.tanh(ATANH_HALF * dose);
  return shared(share, ATANH_HALF * (1 - share) * (1 + share));
}

function logistic(dose, rate, m) {
  const faded = Math.exp(-rate * dose), below = 1 + m * faded;
  return shared(-Math.expm1(-rate * dose) / below, rate * ((1 + m) * faded / below) / below);
}

function power(dose, slope) {
  if (!(dose > 0)) return shared(0, 0);
  const share = 0.5 * Math.exp(slope * Math.log(dose));
  return shared(share, slope * share / dose);
}

function burr(dose, slope, tail, log) {
  if (!(dose > 0)) return shared(0, 0);
  const odds = Math.exp(slope * Math.log(dose) + log), share = -Math.expm1(-tail * Math.log1p(odds));
  return shared(share, slope * tail / (1 + 1 / odds) * (1 - share) / dose);
}

const SATURATIONS = { hill, michaelis_menten, exponential, tanh, logistic, power, burr };
const READY = {
  logistic: slope => [LN3 * slope, Math.expm1(LN3 * slope) - 1, 0],
  burr: (slope, tail) => [slope, tail, Math.log(Math.expm1(LN2 / tail))],
};
const asGiven = slope => [slope, 0, 0];
