/** The proxy that the environment names (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY), as curl and other programs honour it. */
import { type Dispatcher, EnvHttpProxyAgent } from "undici";

type Environment = Readonly<Record<string, string | undefined>>;

/** An address of a proxy as a program needs it: many settings leave the scheme out. */
function withScheme(name: string, value: string): string {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  if (!URL.canParse(address) || !/^https?:/i.test(address)) {
    throw new RangeError(
      `${name} is a proxy's http(s) address, such as host:3128; got ${JSON.stringify(hidden(value))}.`,
    );
  }
  return address;
}

/** Without a user's name and password. */
const hidden = (value: string) => value.replace(/^([a-z][a-z0-9+.-]*:\/\/)?[^/@]*@/i, "$1");

let made: { readonly key: string; readonly agent: Dispatcher } | undefined;

/**
 * What sends requests through the environment's proxies, or undefined where it names none. Plain http is handed to the proxy
 * as it is; only https needs a tunnel, and many proxies allow none to other ports.
 *
 * @throws RangeError naming the variable that is no proxy's address
 */
export function proxyDispatcher(environment: Environment = process.env): Dispatcher | undefined {
  const named = (protocol: string) => {
    for (const name of [`${protocol}_proxy`, `${protocol.toUpperCase()}_PROXY`, "all_proxy", "ALL_PROXY"]) {
      const value = environment[name]?.trim();
      if (value) {
        return withScheme(name, value);
      }
    }
    return undefined;
  };
  const [httpProxy, httpsProxy] = [named("http"), named("https")];
  if (httpProxy === undefined && httpsProxy === undefined) {
    return undefined;
  }
  const noProxy = environment.no_proxy ?? environment.NO_PROXY ?? "";
  const key = JSON.stringify([httpProxy, httpsProxy, noProxy]);
  if (made?.key !== key) {
    // Empty addresses keep undici from looking itself.
    const addresses = { httpProxy: httpProxy ?? "", httpsProxy: httpsProxy ?? "", noProxy: noProxy.trim() };
    made = { key, agent: new EnvHttpProxyAgent({ ...addresses, proxyTunnel: false }) };
  }
  return made.agent;
}
