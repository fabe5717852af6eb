// Lets a process believe that it is CLOCK_AHEAD_MS later: node --import ./shifted-clock.mjs …
const aheadMs = Number(process.env.CLOCK_AHEAD_MS);
const TrueDate = Date;

globalThis.Date = class ShiftedDate extends TrueDate {
  constructor(...args) {
    if (args.length === 0) super(TrueDate.now() + aheadMs);
    else super(...args);
  }

  static now() {
    return TrueDate.now() + aheadMs;
  }
};
