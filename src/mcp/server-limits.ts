import { MAX_NESTING } from '../contracts/json-size.ts';

/**
 * Limits how much work an MCP server can cause in this process. A server is not trusted, each of its messages costs
 * work, and neither MCP nor the SDK limits how many it sends. The bytes of an answer and the duration of a call are set
 * for each server and each step; see `McpTarget.maxResultBytes` and `ToolCall`.
 */
export interface ServerLimits {
  /** Requests of a server (`ping`, `roots/list`, …) that a session answers at once. Default 4. */
  answersAtOnce: number;
  /** Answers that wait for others to be sent. Default 20. */
  answersWaiting: number;
  /** Requests that a session takes in a burst. Default 20. */
  requestsInABurst: number;
  /** Requests that a session takes a second once the burst is used up. Default 10. */
  requestsPerSecond: number;
  /** Events in all parts of one request's stream, including blank ones, comments and needless lines. Default 100,000. */
  eventsPerRequest: number;
  /** Messages of one request other than the answer, in events or in a batch. Default 100,000. */
  messagesPerRequest: number;
  /** Bytes that progress and keep-alives may add to an answer in an event stream. Default 64 MiB. */
  streamAllowanceBytes: number;
  /** Progress notes of one request that are passed on in a burst; later ones supersede them. Default 100. */
  progressInABurst: number;
  /** Progress notes of one request that are passed on a second once the burst is used up. Default 50. */
  progressPerSecond: number;
  /** Characters of a progress note's message. Default 2,000. */
  progressMessageLength: number;
  /** Characters of the id of a server's request, which the answer repeats. Default 256. */
  requestIdLength: number;
  /** Levels of nesting of an answer, without its envelope. Default 100, as for requests. */
  nesting: number;
  /** Values and keys of an answer together. Default 1,000,000. */
  values: number;
  /** Members of one object. Default 50,000. */
  members: number;
  /** Characters of one key. Default 65,536. */
  keyLength: number;
  /** Characters of one number. Default 65,536. */
  numberLength: number;
  /** Pages of a list of tools. Default 100. */
  pages: number;
  /** Tools of a list. Default 5,000. */
  tools: number;
  /** Values and keys of one tool's description; a larger or deeper one is left out of the list. Default 20,000. */
  toolValues: number;
  /** Bytes of all pages of a list together, unless `maxResultBytes` is lower. Default 4 MiB. */
  listBytes: number;
}

export const SERVER_LIMITS: ServerLimits = {
  answersAtOnce: 4,
  answersWaiting: 20,
  requestsInABurst: 20,
  requestsPerSecond: 10,
  eventsPerRequest: 100_000,
  messagesPerRequest: 100_000,
  streamAllowanceBytes: 64 * 1024 * 1024,
  progressInABurst: 100,
  progressPerSecond: 50,
  progressMessageLength: 2_000,
  requestIdLength: 256,
  nesting: MAX_NESTING,
  values: 1_000_000,
  members: 50_000,
  keyLength: 65_536,
  numberLength: 65_536,
  pages: 100,
  tools: 5_000,
  toolValues: 20_000,
  listBytes: 4 * 1024 * 1024,
};
