/** Returns the name of a server for readers: its title, else its id. Servers choose the title: isolate it with `bdi`. */
export function serverName({ id, title }: { id: string; title?: string | undefined }): string {
  return title ?? id;
}
