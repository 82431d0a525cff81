/** All venues' voices as one: each hears all that happens in the market, in the same order. */
import type { VenueVoice } from './dialect.ts';
import type { Pit } from './pit.ts';

export class Chorus implements VenueVoice {
  readonly #voices: readonly VenueVoice[];
  readonly #afterSecond: (ms: number) => void;

  /** `afterSecond` is told of each second after the messages that it brings. */
  constructor(voices: readonly VenueVoice[], afterSecond: (ms: number) => void) {
    this.#voices = voices;
    this.#afterSecond = afterSecond;
  }

  relisted(pit: Pit): void {
    for (const voice of this.#voices) voice.relisted(pit);
  }

  trade(...said: Parameters<VenueVoice['trade']>): void {
    for (const voice of this.#voices) voice.trade(...said);
  }

  aggregate(...said: Parameters<VenueVoice['aggregate']>): void {
    for (const voice of this.#voices) voice.aggregate(...said);
  }

  quote(pit: Pit): void {
    for (const voice of this.#voices) voice.quote(pit);
  }

  depth(...said: Parameters<VenueVoice['depth']>): void {
    for (const voice of this.#voices) voice.depth(...said);
  }

  second(ms: number): void {
    for (const voice of this.#voices) voice.second(ms);
    this.#afterSecond(ms);
  }
}
