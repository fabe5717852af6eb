/** The call that a bare workflow makes. */
export interface BareCall {
  userId: string;
  tool: string;
  arguments: Record<string, unknown>;
}
