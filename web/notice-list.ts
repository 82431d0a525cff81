/** Gaps, faults and refusals, as they are told, newest first. */
import { byId, child } from './dom.ts';
import type { RenderPass } from './render-pass.ts';

export type NoticeKind = 'gap' | 'repaired' | 'lost' | 'fault';

interface Notice {
  readonly kind: NoticeKind;
  readonly text: string;
  readonly at: Date;
}

const noticesMost = 50;

export class NoticeList {
  readonly #list = byId('notices');
  readonly #touch: () => void;
  #come: Notice[] = [];

  constructor(pass: RenderPass) {
    this.#touch = pass.part(() => this.#draw());
  }

  add(kind: NoticeKind, text: string): void {
    this.#come.push({ kind, text, at: new Date() });
    if (this.#come.length > noticesMost) this.#come.shift();
    this.#touch();
  }

  #draw(): void {
    for (const { kind, text, at } of this.#come) {
      const item = document.createElement('li');
      item.className = kind;
      child(item, 'b').textContent = kind;
      item.append(` ${text} `);
      const time = child(item, 'time', 'dim');
      time.dateTime = at.toISOString();
      time.textContent = at.toTimeString().slice(0, 8);
      this.#list.prepend(item);
    }
    this.#come = [];
    while (this.#list.children.length > noticesMost) this.#list.lastElementChild?.remove();
  }
}
