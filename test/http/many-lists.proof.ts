import { testManyLists } from './many-lists.ts';

testManyLists({ requests: 40, leastRefused: 1, leastHealthy: 10 });
