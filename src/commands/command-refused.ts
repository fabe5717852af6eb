/** The command was not done because of what it was given. The message is for the person, and contains no secret. */
export class CommandRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CommandRefused';
  }
}
