// The pages of the development identity provider: plain HTML, no script, one small style sheet.

const STYLE = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  main { max-width: 22rem; margin: 12vh auto; padding: 0 1rem; }
  label { display: block; margin-top: 1rem; }
  input { box-sizing: border-box; width: 100%; padding: .5rem; font: inherit; }
  button { margin-top: 1.5rem; padding: .5rem 1rem; font: inherit; }
  [role=alert] { border-left: 4px solid #b3261e; padding-left: .75rem; }
  code { font-size: 1.25em; }
`;

/** The text with the characters that mean something in HTML written as entities. */
export function escaped(text) {
  const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return String(text).replace(/[&<>"']/g, (character) => entities[character]);
}

/** A whole page; `content` is HTML. */
export function page(title, content) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body><main>
<h1>${escaped(title)}</h1>
${content}
</main></body>
</html>
`;
}

/** The sign-in form. `problem` is a sentence, or empty on the first visit; `username` is kept after a mistake. */
export function signIn({ problem = '', username = '' }) {
  const said = problem ? `<p id="problem" role="alert">${escaped(problem)}</p>` : '';
  const described = problem ? ' aria-invalid="true" aria-describedby="problem"' : '';
  return page('Sign in to corp.example', `${said}
<form method="post">
<label for="username">User name, for example alice@corp.example</label>
<input id="username" name="username" value="${escaped(username)}" autocomplete="username" required${described}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${described}>
<button>Sign in</button>
</form>
<p>This identity provider is for development. Its people are those of company.toml.</p>`);
}

/** Asks for the code a command line program shows. `form` has the hidden fields and the input; `problem` as above. */
export function deviceCode({ action, xsrf, code, problem = '' }) {
  const said = problem ? `<p id="problem" role="alert">${escaped(problem)}</p>` : '';
  return page('Sign in a program', `${said}
<form method="post" action="${escaped(action)}">
<input type="hidden" name="xsrf" value="${escaped(xsrf)}">
<label for="user_code">Code that the program shows</label>
<input id="user_code" name="user_code" value="${escaped(code ?? '')}" autocomplete="off" required>
<button>Continue</button>
</form>`);
}

/** Asks whether the code is the one on the person's own screen. `form` is the provider's hidden form. */
export function deviceConfirm({ form, program, code }) {
  return page('Sign in a program', `<p><strong>${escaped(program)}</strong> asks to act for you. It shows this code:</p>
<p><code>${escaped(code)}</code></p>
${form}
<button form="op.deviceConfirmForm">Continue</button>
<button form="op.deviceConfirmForm" name="abort" value="yes">This is not my code</button>`);
}

/** Asks whether to end the session at the provider. `form` is the provider's hidden form. */
export function signOut({ form }) {
  return page('Sign out of corp.example', `${form}
<button form="op.logoutForm" name="logout" value="yes">Sign out</button>
<button form="op.logoutForm">Stay signed in</button>`);
}

/** An OAuth error, as its fields. */
export function failure(fields) {
  const rows = Object.entries(fields).map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`);
  return page('Sign-in did not work', `<dl>${rows.join('')}</dl>`);
}
