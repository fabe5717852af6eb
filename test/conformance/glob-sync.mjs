// Lets the conformance suite start on Node 20. Its CLI imports `globSync`, which `fs` has since Node 22; the command
// that needs it (reading the results of a whole suite) is not used here.
import { register } from 'node:module';

register('./glob-sync-loader.mjs', import.meta.url);
