// All that a page of another origin can try at the demo page and the emulator. Returns what it could read.
async ({page, aws, name, machine}) => {
  const read = [];
  const within = (promise) => Promise.race([promise, new Promise((done) => setTimeout(done, 10000))]);
  const attempt = async (what, start) => {
    try { const found = await within(start()); if (found) read.push([what, String(found).slice(0, 200)]); } catch {}
  };
  const fetched = (what, url, options) => attempt(what, async () => {
    const answer = await fetch(url, options);
    return answer.type === "opaque" ? "" : `${answer.status} ${await answer.text()}`;
  });
  const start = (how) => JSON.stringify({name: `${name}-${how}`, input: {}});
  const json = {"Content-Type": "application/json"};

  // The demo page.
  for (const mode of ["cors", "no-cors"]) {
    const plain = {method: "POST", mode, credentials: "include"};
    await fetched(`state ${mode}`, `${page}/api/state`, {mode});
    await fetched(`page ${mode}`, `${page}/`, {mode});
    await fetched(`start ${mode}`, `${page}/api/executions`, {...plain, body: start(`plain-${mode}`)});
    await fetched(`start as JSON ${mode}`, `${page}/api/executions`,
      {...plain, headers: json, body: start(`json-${mode}`)});
    await fetched(`start with header ${mode}`, `${page}/api/executions`,
      {...plain, headers: {...json, "X-Demo": "page"}, body: start(`header-${mode}`)});
    await fetched(`Home ${mode}`, `${page}/api/slack/home`,
      {...plain, body: JSON.stringify({user_id: "U0CAROL003"})});
    await fetched(`Slack's API ${mode}`, `${page}/slack/api/chat.postMessage`,
      {...plain, body: JSON.stringify({channel: "C0APPROVALS", text: name})});
    for (const way of ["..%2f", "%2e%2e%2f", "..%252f", "%252e%252e/", "..%5c", "x/..%2f..%2f"])
      await fetched(`way up ${mode}`, `${page}/states/${way}..%2f..%2f_ministack/health`, {mode});
  }
  const calls = (mode) => [
    ["query", "/", {body: new URLSearchParams({Action: "CreateQueue", QueueName: `${name}-${mode}`,
      Version: "2012-11-05"})}],
    ["JSON", "/", {body: JSON.stringify({stateMachineArn: machine, name: `${name}-aws-${mode}`, input: "{}"}),
      headers: {"X-Amz-Target": "AWSStepFunctions.StartExecution", "Content-Type": "application/x-amz-json-1.0",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20261123/us-east-1/states/aws4_request, " +
          "SignedHeaders=host, Signature=00"}}],
    ["topic", "/", {body: new URLSearchParams({Action: "CreateTopic", Name: `${name}-${mode}`,
      Version: "2010-03-31"})}],
    ["bucket", `/${name}-${mode}`, {method: "PUT"}],
    ["function", "/2015-03-31/functions", {headers: json, body: JSON.stringify({FunctionName: `${name}-${mode}`,
      Runtime: "python3.13", Handler: "a.b", Role: "arn:aws:iam::000000000000:role/x",
      Code: {ZipFile: "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}})}],
    ["configuration", "/_ministack/config", {body: JSON.stringify({})}],
    ["function list", "/2015-03-31/functions", {method: "GET"}],
    ["health", "/_ministack/health", {method: "GET"}],
    ["queues", "/?Action=ListQueues&Version=2012-11-05", {method: "GET"}],
    ["mail", "/_ministack/sqs/messages", {method: "GET"}],
  ];
  for (const mode of ["cors", "no-cors"])
    for (const [what, path, options] of calls(mode))
      await fetched(`${what} ${mode}`, `${aws}${path}`, {method: "POST", mode, ...options});

  // Without scripts: images, frames, forms.
  const loaded = (node) => new Promise((done) => {
    node.onload = node.onerror = () => done("");
    document.body.append(node);
  });
  const make = (tag, attributes) => Object.assign(document.createElement(tag), attributes);
  for (const url of [`${page}/api/state`, `${page}/api/events`, `${page}/favicon.ico`,
      `${aws}/?Action=CreateQueue&QueueName=${name}-image&Version=2012-11-05`])
    await within(loaded(make("img", {src: url})));
  for (const url of [`${page}/static/app.js`, `${page}/api/state`, `${aws}/_ministack/health`])
    await within(loaded(make("script", {src: url})));
  for (const url of [`${page}/`, `${page}/api/state`, `${aws}/_ministack/health`])
    await within(loaded(make("iframe", {src: url})));
  let forms = 0;
  const form = async (action, enctype, fields) => {
    const frame = make("iframe", {name: `form-${forms += 1}`});
    const sent = make("form", {method: "post", action, enctype, target: frame.name});
    for (const [key, value] of fields) sent.append(make("input", {type: "hidden", name: key, value}));
    document.body.append(frame, sent);
    const answered = new Promise((done) => { frame.onload = done; });
    sent.submit();
    await within(answered);
  };
  const asText = (how) => [[`{"name": "${name}-${how}", "input": {"a": "`, `"}}`]];
  await form(`${page}/api/executions`, "text/plain", asText("form"));
  await form(`${page}/api/executions`, "application/x-www-form-urlencoded", asText("urlencoded"));
  await form(`${page}/api/executions`, "multipart/form-data", asText("multipart"));
  await form(`${page}/slack/api/chat.postMessage`, "application/x-www-form-urlencoded", [["text", name]]);
  await form(`${page}/states/execution`, "application/x-www-form-urlencoded", [["action", "approve"]]);
  await form(`${aws}/`, "application/x-www-form-urlencoded",
    [["Action", "CreateQueue"], ["QueueName", `${name}-form`], ["Version", "2012-11-05"]]);

  // What stays open.
  await attempt("events", () => new Promise((done) => {
    const events = new EventSource(`${page}/api/events`);
    events.onmessage = (event) => done(event.data);
    events.onerror = () => done("");
  }));
  for (const url of [`${page}/api/events`, `${aws}/_aws/execute-api/abc/states`, `${aws}/`])
    await attempt("websocket", () => new Promise((done) => {
      const opened = new WebSocket(url.replace("http", "ws"));
      opened.onopen = () => done("open");
      opened.onerror = () => done("");
    }));

  // Last, since it would wipe everything.
  for (const mode of ["cors", "no-cors"]) await fetched("reset", `${aws}/_ministack/reset`, {method: "POST", mode});
  return read;
}
