/** The scenario can't go on, for a reason that is the server's: the message says which. */
export class FlowEnded extends Error {}
