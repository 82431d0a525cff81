/** Every venue of the registry sits the exam, and so does the one that docs/add-a-venue.md was tried on. */
import { expect, test } from 'vitest';
import { venues } from '../../src/feeds/registry.ts';
import { backpackCandidate, binanceCandidate, coinbaseCandidate } from './exam-candidates.ts';
import { madeUpCandidate } from './made-up-candidate.ts';
import { sitVenueExam } from './venue-exam.ts';

const registered = [binanceCandidate, coinbaseCandidate, backpackCandidate];
for (const candidate of [...registered, madeUpCandidate]) sitVenueExam(candidate);

test('every venue of the registry has sat it', () => {
  expect(Object.values(venues).map(({ name }) => name)).toEqual(registered.map(({ venue }) => venue.name));
});
