/** What the pages' TypeScript uses without declaring it: the reader's own values, and imports of the block before. */
declare const userId: string;
declare const user: string;
declare const url: string;
declare const namespace: string;
declare const taskQueue: string;
declare const workflowsPath: string;
declare const client: import('@temporalio/client').Client;
declare const connection: import('@temporalio/worker').NativeConnection;
declare const Worker: typeof import('@temporalio/worker').Worker;
declare const createLatchkey: typeof import('latchkey').createLatchkey;
declare function tokenOf(user: string): Promise<string>;
declare function backendToken(): Promise<string>;

/** The part of Express that a page uses: it is not installed here. */
interface ReaderRequest {
  body: Buffer;
  headers: Record<string, string>;
}
interface ReaderResponse {
  sendStatus(status: number): void;
}
declare const express: { raw(options: { type: string }): unknown };
declare const app: {
  post(
    path: string,
    parser: unknown,
    handler: (request: ReaderRequest, response: ReaderResponse) => Promise<void>,
  ): void;
};
declare const inbox: { put(id: string | undefined, event: unknown): Promise<void> };
