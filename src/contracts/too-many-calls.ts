/** The cause of a call that was not sent because its user, or its server, has as many under way as a worker allows. */
export const TOO_MANY_CALLS = 'too-many-calls';
