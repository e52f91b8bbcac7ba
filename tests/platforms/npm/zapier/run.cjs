// What Zapier's own packages make of an app; run in its folder, a request on stdin, the answer in the last line.
// {method, bundle}: one call, as Zapier makes it → {results} or {error: {name, message}}.
// {timed, method, bundle, bare}: so many calls, and as many requests without an app → {app, bare} in milliseconds.
// {definition}: what the schema says of it, as JSON and compiled → {errors: [...]}.
const { createRequire } = require('node:module');
const { readFileSync } = require('node:fs');

const of = createRequire(`${process.cwd()}/`);
const asked = JSON.parse(readFileSync(0, 'utf8'));

const handler = () => of('zapier-platform-core').createAppHandler(of('./index.js'));

async function executed(method, bundle) {
  try {
    return { results: (await handler()({ command: 'execute', method, bundle })).results };
  } catch ({ name, message }) {
    return { error: { name, message } };
  }
}

async function timed({ timed: times, method, bundle, bare }) {
  const app = handler();
  const each = async (act) => {
    await act();
    const began = performance.now();
    for (let time = 0; time < times; time += 1) await act();
    return (performance.now() - began) / times;
  };
  return {
    app: await each(() => app({ command: 'execute', method, bundle })),
    bare: await each(async () => (await fetch(bare.url, bare)).json()),
  };
}

function checked(definition) {
  const { validateAppDefinition } = of('zapier-platform-schema');
  const { prepareApp } = of('zapier-platform-core/src/tools/schema');
  const { recurseCleanFuncs } = of('zapier-platform-core/src/tools/cleaner');
  const both = [definition, recurseCleanFuncs(prepareApp(definition))];
  return { errors: both.flatMap((each) => validateAppDefinition(each).errors.map((error) => error.stack)) };
}

(async () => {
  const call = asked.timed ? timed(asked) : executed(asked.method, asked.bundle);
  const answer = asked.definition ? checked(asked.definition) : await call;
  process.stdout.write(`\n${JSON.stringify(answer)}\n`);
})();
