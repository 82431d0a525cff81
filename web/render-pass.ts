/** One pass of DOM writes per animation frame: what arrives is collected, what changed is drawn. */

export class RenderPass {
  readonly #due = new Set<() => void>();
  #asked = false;

  /** Returns a function that has `draw` called in the next frame, once, however often it is called before. */
  part(draw: () => void): () => void {
    return () => {
      this.#due.add(draw);
      if (this.#asked) return;
      this.#asked = true;
      requestAnimationFrame(() => this.#run());
    };
  }

  #run(): void {
    this.#asked = false;
    const due = [...this.#due];
    this.#due.clear();
    for (const draw of due) draw();
  }
}
