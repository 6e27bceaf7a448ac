/** Items with an instant, soonest first: a binary heap, because think times differ from user to user. */
export class Sleepers<Item> {
  readonly #instants: number[] = [];
  readonly #items: Item[] = [];

  get soonestMs(): number {
    return this.#instants[0] ?? Infinity;
  }

  add(atMs: number, item: Item): void {
    let at = this.#items.length;
    this.#instants.push(atMs);
    this.#items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#instants[parent]! <= atMs) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Takes the soonest out if its instant has come. */
  takeDue(nowMs: number): Item | null {
    if (this.soonestMs > nowMs) return null;
    const soonest = this.#items[0]!;
    const last = this.#items.length - 1;
    this.#swap(0, last);
    this.#instants.pop();
    this.#items.pop();
    this.#sink();
    return soonest;
  }

  clear(): void {
    this.#instants.length = 0;
    this.#items.length = 0;
  }

  #sink(): void {
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const right = left + 1;
      let least = at;
      if (left < this.#items.length && this.#instants[left]! < this.#instants[least]!) least = left;
      if (right < this.#items.length && this.#instants[right]! < this.#instants[least]!) least = right;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #swap(a: number, b: number): void {
    const instant = this.#instants[a]!;
    this.#instants[a] = this.#instants[b]!;
    this.#instants[b] = instant;
    const item = this.#items[a]!;
    this.#items[a] = this.#items[b]!;
    this.#items[b] = item;
  }
}
