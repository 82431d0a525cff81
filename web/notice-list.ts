/** Gaps, faults and refusals, as they are told, newest first. */
import { byId, child, write } from './dom.ts';
import type { RenderPass } from './render-pass.ts';

export type NoticeKind = 'gap' | 'repaired' | 'lost' | 'fault';

interface Notice {
  readonly kind: NoticeKind;
  readonly text: string;
  at: Date;
  times: number;
  item?: HTMLLIElement;
}

const noticesMost = 50;

export class NoticeList {
  readonly #list = byId('notices');
  readonly #touch: () => void;
  /** Newest last. */
  readonly #notices: Notice[] = [];

  constructor(pass: RenderPass) {
    this.#touch = pass.part(() => this.#draw());
  }

  /** The same again, right after, is counted in its line. */
  add(kind: NoticeKind, text: string): void {
    const newest = this.#notices.at(-1);
    if (newest?.kind === kind && newest.text === text) {
      newest.times++;
      newest.at = new Date();
    } else this.#notices.push({ kind, text, at: new Date(), times: 1 });
    if (this.#notices.length > noticesMost) this.#notices.shift()!.item?.remove();
    this.#touch();
  }

  #draw(): void {
    for (const notice of this.#notices) {
      if (notice.item === undefined) {
        notice.item = newItem(notice);
        this.#list.prepend(notice.item);
      }
      const { at, times } = notice;
      write(
        notice.item.lastElementChild!,
        `${times > 1 ? `${times}×, ` : ''}${at.toTimeString().slice(0, 8)}`,
      );
    }
  }
}

function newItem({ kind, text }: Notice): HTMLLIElement {
  const item = document.createElement('li');
  item.className = kind;
  child(item, 'b').textContent = kind;
  item.append(` ${text} `);
  child(item, 'span', 'dim');
  return item;
}
