/** What keeps the simulator from starting or playing: one sentence that says what to do about it. */
export class SimulatorFault extends Error {
  override readonly name = 'SimulatorFault';
}
