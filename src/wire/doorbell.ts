/**
 * How one thread wakes another: a word that counts rings, and a word that says whether anyone sleeps.
 * Ringing costs a system call only when the other side sleeps.
 */

const rung = 0;
const asleep = 1;

export function doorbell(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(8));
}

/** Wakes the owner of the bell if it sleeps. */
export function ring(bell: Int32Array): void {
  Atomics.add(bell, rung, 1);
  if (Atomics.load(bell, asleep) === 1) Atomics.notify(bell, rung);
}

/**
 * Sleeps (blocking the thread) until the bell rings or `timeoutMs` pass. `idle` is asked once more after sleep has
 * been announced, so that a ring in between is not missed.
 */
export function sleepUntilRung(bell: Int32Array, timeoutMs: number, idle: () => boolean): void {
  const seen = Atomics.load(bell, rung);
  Atomics.store(bell, asleep, 1);
  if (idle()) Atomics.wait(bell, rung, seen, timeoutMs);
  Atomics.store(bell, asleep, 0);
}

/**
 * Calls `wake` in a turn of this thread's event loop after each ring, without blocking it; returns a stop function.
 * `wake` should take all there is.
 */
export function onRing(bell: Int32Array, wake: () => void): () => void {
  const state = { stopped: false };
  const loop = async (): Promise<void> => {
    while (!state.stopped) {
      const seen = Atomics.load(bell, rung);
      Atomics.store(bell, asleep, 0);
      wake();
      Atomics.store(bell, asleep, 1);
      // A ring between the load and here makes the wait return at once ("not-equal").
      const wait = Atomics.waitAsync(bell, rung, seen);
      if (wait.async) await wait.value;
      else await nextTurn();
    }
  };
  void loop();
  return () => {
    state.stopped = true;
    Atomics.add(bell, rung, 1);
    Atomics.notify(bell, rung);
  };
}

/** Lets the event loop serve its sockets before going on: a busy ring must not starve them. */
const channel = new MessageChannel();
const waiting: (() => void)[] = [];
channel.port1.on('message', () => waiting.shift()?.());
channel.port1.unref();
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    channel.port2.postMessage(0);
  });
}
