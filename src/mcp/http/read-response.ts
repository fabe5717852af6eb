/**
 * A response to the SDK's transport whose body has been read and parsed already. To write it again, for the transport to
 * read, would cost ten times as much CPU. The transport of SDK 1.32 calls only `json` of what is here.
 */
export class ReadResponse extends Response {
  readonly #content: unknown;

  constructor(content: unknown, headers: Headers) {
    super(null, { headers });
    this.#content = content;
  }

  /** How the transport reads a body of `application/json`. */
  override async json(): Promise<unknown> {
    return this.#content;
  }

  override async text(): Promise<string> {
    return JSON.stringify(this.#content);
  }

  override clone(): ReadResponse {
    return new ReadResponse(this.#content, new Headers(this.headers));
  }
}
