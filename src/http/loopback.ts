import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';

const LOOPBACK_NAMES = /^(?:localhost|127\.0\.0\.1|\[::1\])$/;
/** Proxies and tunnels forward remote requests from this machine and add these headers. */
const FORWARDING = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/** Whether a program on this machine sent the request, to a loopback address, without a proxy in between. */
export function isFromThisMachine(request: FastifyRequest): boolean {
  const { headers, hostname, socket } = request;
  return (
    isLoopback(socket.remoteAddress) &&
    LOOPBACK_NAMES.test(hostname ?? '') &&
    FORWARDING.every((name) => headers[name] === undefined)
  );
}

function isLoopback(address: string | undefined): boolean {
  // `process` turns an IPv4-mapped address into the IPv4 one.
  return address !== undefined && ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';
}
