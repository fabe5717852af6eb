/** The media type of an answer without its parameters, in lower case; empty where it names none. RFC 9110 §8.3.1. */
export function mediaType(response: Response): string {
  const [essence = ''] = (response.headers.get('content-type') ?? '').split(';');
  return essence.trim().toLowerCase();
}
