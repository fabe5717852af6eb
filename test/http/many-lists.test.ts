import { testManyLists } from './many-lists.ts';

// Few enough to be quick, and more than the budget of 64 MiB holds at once. `many-lists.proof.ts` overloads the process.
testManyLists({ requests: 3, leastRefused: 0, leastHealthy: 0 });
