import type { PeerFrame, PeerIdentity, PeerProblem, TransportHandlers } from '../../../node/src/transport/transport.ts';

/** Writes down what a transport tells its host, and lets a test wait for it. */
export class Recorder implements TransportHandlers {
  readonly up: PeerIdentity[] = [];
  readonly down: { readonly peer: PeerIdentity; readonly reason: string }[] = [];
  readonly problems: PeerProblem[] = [];
  readonly again: PeerProblem[] = [];
  readonly frames: { readonly from: PeerIdentity; readonly frame: PeerFrame }[] = [];
  /** What happened in order: "up b", "frame b", "down b". */
  readonly order: string[] = [];
  readonly #waiting = new Set<() => void>();

  onPeerUp(peer: PeerIdentity): void {
    this.up.push(peer);
    this.#note(`up ${peer.nodeId}`);
  }

  onPeerDown(peer: PeerIdentity, reason: string): void {
    this.down.push({ peer, reason });
    this.#note(`down ${peer.nodeId}`);
  }

  onPeerEnded(peer: PeerIdentity): void {
    this.#note(`ended ${peer.nodeId}`);
  }

  onMismatch(problem: PeerProblem): void {
    this.problems.push(problem);
    this.#note(`problem ${problem.address}`);
  }

  onMismatchAgain(problem: PeerProblem): void {
    this.again.push(problem);
    for (const check of [...this.#waiting]) check();
  }

  onFrame(from: PeerIdentity, frame: PeerFrame): void {
    this.frames.push({ from, frame });
    this.#note(`frame ${from.nodeId}`);
  }

  /** Resolves once the condition holds; it is looked at after each event. The test's own time limit bounds the wait. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  #note(event: string): void {
    this.order.push(event);
    for (const check of [...this.#waiting]) check();
  }
}
