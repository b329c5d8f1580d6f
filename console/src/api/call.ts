// A call typed by the API's description: path, parameters, body and answer all come from schema.d.ts.
import { send, type Query } from './http';
import type { paths } from './schema';

type Method = 'get' | 'post' | 'patch' | 'delete';
type Operation<P extends keyof paths, M extends Method> = paths[P][M];
type PathsWith<M extends Method> = { [P in keyof paths]: Operation<P, M> extends { responses: object } ? P : never }[keyof paths];

type PathArgs<O> = O extends { parameters: { path: infer A } } ? { path: A } : object;
type QueryArgs<O> = O extends { parameters: { query?: infer A } } ? ([NonNullable<A>] extends [never] ? object : { query?: { [K in keyof NonNullable<A>]: NonNullable<A>[K] | '' | null } }) : object;
type BodyArgs<O> = O extends { requestBody?: infer R } ? ([NonNullable<R>] extends [never] ? object : NonNullable<R> extends { content: { 'application/json': infer B } } ? { body: B } : object) : object;
type Args<O> = PathArgs<O> & QueryArgs<O> & BodyArgs<O> & { quiet?: boolean };

type JsonOf<R> = R extends { content: { 'application/json': infer T } } ? T : never;
type Answer<O> = O extends { responses: infer R }
  ? (R extends { 200: infer A } ? JsonOf<A> : never) | (R extends { 201: infer A } ? JsonOf<A> : never) | (R extends { 204: unknown } ? void : never)
  : never;

export async function call<M extends Method, P extends PathsWith<M>>(method: M, path: P, args: Args<Operation<P, M>>): Promise<Answer<Operation<P, M>>> {
  const given = args as { path?: Record<string, string>; query?: Query; body?: unknown; quiet?: boolean };
  const target = (path as string).replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(given.path?.[name] ?? ''));
  return send(method.toUpperCase(), target, { query: given.query, body: given.body, quiet: given.quiet });
}
