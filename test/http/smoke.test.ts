import { expect, it } from 'vitest';
import { createHttpFixture, registerServer } from './http-fixture.ts';

it('smoke', async () => {
  const f = await createHttpFixture();
  const show = async (r: any) => {
    const a = await f.app.inject(r);
    console.log(r.method, r.url.slice(0, 80), a.statusCode, JSON.stringify(a.headers), a.body.slice(0, 400));
  };
  await show({ method: 'GET', url: '/health' });
  await show({ method: 'GET', url: '/nope' });
  await show({ method: 'POST', url: '/nope', payload: 'xx', headers: { 'content-type': 'text/xml' } });
  await show({ method: 'PATCH', url: '/steps' });
  await show({ method: 'GET', url: '/steps' });
  await show({ method: 'GET', url: '/steps/%zz' });
  await show({ method: 'GET', url: '/docs' });
  await show({ method: 'GET', url: '/docs/' });
  await show({ method: 'GET', url: '/docs/static/swagger-ui.css' });
  await show({ method: 'GET', url: '/docs/static/nope.css' });
  await show({ method: 'GET', url: '/docs/json' });
  await show({ method: 'GET', url: '/connect/a%3Cb', headers: { accept: 'text/html' } });
  await show({ method: 'GET', url: '/connect/a%3Cb' });
  await show({ method: 'GET', url: '/' });
  await show({ method: 'HEAD', url: '/health' });
  await show({ method: 'PROPFIND', url: '/health' });
  console.log(JSON.stringify((await f.app.inject('/openapi.json')).json(), null, 1));
  console.log(f.logged());
  await f.close();
});
