export { type ArgumentsVerdict, validateToolArguments } from './tool-arguments-thread.mjs';
