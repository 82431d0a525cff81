/** A symbol is delisted, gets another name, or another tick size. */
import type { SimulatedInstrument } from './instrument.ts';
import type { SimulatedMarket } from './market.ts';
import type { PitView } from './pit-view.ts';
import { SimulatorFault } from './simulator-fault.ts';
import type { MarketCommand } from './source.ts';

const decimalsMax = 8;

export function relist(command: MarketCommand, view: PitView, market: SimulatedMarket): void {
  const { pit } = view;
  if (command.kind === 'delist') pit.status = command.gone === true ? 'GONE' : 'BREAK';
  else if (command.kind === 'rename') pit.instrument = renamed(pit.instrument, command.base);
  else changeTick(command.tickSize, view, market);
}

function renamed(instrument: SimulatedInstrument, base: string): SimulatedInstrument {
  if (!/^[A-Z0-9]{1,12}$/.test(base))
    throw new SimulatorFault(`"${base}" is no asset; give capital letters and digits.`);
  return { ...instrument, base, symbol: `${base}${instrument.quote}` };
}

/** A finer tick needs more digits: all prices of the past are counted in it too. A coarser one only thins the book. */
function changeTick(tickSize: string, view: PitView, market: SimulatedMarket): void {
  const decimals = Math.round(-Math.log10(Number(tickSize)));
  if (
    !(decimals >= 0 && decimals <= decimalsMax) ||
    Number(tickSize) !== Number((10 ** -decimals).toFixed(decimalsMax))
  )
    throw new SimulatorFault(`"${tickSize}" is no tick size; give a power of ten from 0.00000001 to 1.`);
  const { pit } = view;
  const finer = decimals - pit.instrument.priceDecimals;
  if (finer > 0) view.refine(10 ** finer);
  const { priceDecimals, openingPrice } = pit.instrument;
  const wider = Math.max(0, finer);
  pit.instrument = {
    ...pit.instrument,
    priceDecimals: priceDecimals + wider,
    openingPrice: openingPrice * 10 ** wider,
    tickSize: (10 ** -decimals).toFixed(decimalsMax),
  };
  market.regrid(pit, 10 ** Math.max(0, -finer));
}
