/**
 * The position of the scenario that arrival `arrival` runs: by weight, from the seed and the number alone, so the same on
 * every node and after every change of stripes.
 */
export function chooseScenario(
  plan: { readonly scenarios: readonly { readonly weight: number }[] },
  seed: number,
  arrival: number,
): number {
  const { scenarios } = plan;
  if (scenarios.length === 1) return 0;
  let total = 0;
  for (const { weight } of scenarios) total += weight;
  let rest = (hash(seed, arrival) / 2 ** 32) * total;
  for (let position = 0; position < scenarios.length; position++) {
    rest -= scenarios[position]!.weight;
    if (rest < 0) return position;
  }
  // Rounding in the subtractions can leave a last crumb; it belongs to the last scenario that may run at all.
  return scenarios.findLastIndex(({ weight }) => weight > 0);
}

/** 32 well-mixed bits of two numbers: the finalizer of MurmurHash3 over each half, whose avalanche makes neighbours unlike. */
export function hash(seed: number, index: number): number {
  let mixed = mix32(seed >>> 0);
  mixed = mix32(mixed ^ (index >>> 0));
  return mix32(mixed ^ Math.floor(index / 2 ** 32)) >>> 0;
}

function mix32(bits: number): number {
  let mixed = bits + 0x9e3779b9;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
