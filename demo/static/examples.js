// The ready-made inputs of the page, and what to do beside each.

/** A day within the longest absence, for the command that names a delegate. */
const IN_A_WEEK = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);

/** The deployment that is requested again and again. */
function deployment(replicas) {
  return {
    Approval: {
      Title: "Deploy web to production",
      Subject: "deploy web production",
      Facts: [{ Label: "Version", Value: "2.4.1" }, { Label: "Replicas", Value: replicas }],
      RequestedBy: "carol@example.com",
      Approvers: ["alice@example.com", "bob@example.com"],
    },
    Region: "eu-west-1",
  };
}

// Label, input, and what to do beside it: in Slack as Alice `before` the start, in a terminal `after` it.
export const EXAMPLES = [
  ["A deployment", {
    Approval: {
      Title: "Deploy web 2.4.1 to production",
      Details: "Adds the new checkout.\nRolls back by redeploying 2.4.0.",
      RequestedBy: "carol@example.com",
      TimeoutMinutes: 30,
    },
    Version: "2.4.1",
    Changes: 12,
  }],
  ["Two of three, with a form", {
    Approval: {
      Title: "Give Northwind a refund",
      Details: "The parcel was **lost twice**. See the [ticket](https://example.com/tickets/4711).",
      Facts: [{ Label: "Customer", Value: "Northwind" }, { Label: "Order", Value: "2026-0815" }],
      RequestedBy: "dave@example.com",
      Approvers: ["alice@example.com", "bob@example.com", "carol@example.com"],
      RequiredApprovals: 2,
      Form: [
        { Name: "Amount", Label: "Amount in euros", Type: "number", Default: 120, Minimum: 1, Maximum: 500, Required: true },
        { Name: "Reason", Type: "choice", Choices: ["Lost", "Damaged", "Late"], Default: "Lost" },
      ],
    },
  }],
  ["One of security, one of ops", {
    Approval: {
      Title: "Open port 8443 to partners",
      RequestedBy: "dave@example.com",
      Groups: [
        { Name: "security", Approvers: ["alice@example.com", "carol@example.com"] },
        { Name: "ops", Approvers: ["bob@example.com", "carol@example.com"] },
      ],
    },
  }],
  ["A delegate", {
    Approval: {
      Title: "Rotate the database password",
      RequestedBy: "carol@example.com",
      Approvers: ["alice@example.com"],
    },
  }, {
    why: "Alice is away, and Dave responds for her. First, in Slack as Alice:",
    before: `/approvals away until ${IN_A_WEEK}, ask @dave`,
  }],
  ["An override", {
    Approval: {
      Title: "Restart the payment service",
      RequestedBy: "dave@example.com",
      Severity: "high",
    },
  }, {
    why: "One of security and one of ops must approve, but nobody answers. After the start, in a terminal:",
    after: (name) => `--profile ivy override ${name} --approve --reason "Payments are down, nobody answers"`,
    needsPolicy: true,
  }],
  ["An exact action", {
    Approval: {
      Title: "Drop the orders of 2019",
      RequestedBy: "carol@example.com",
      Action: { Statement: "DROP TABLE orders_2019", Database: "shop-production" },
      Grant: { Uses: 1, ValidMinutes: 30 },
    },
  }, {
    why: "Approve it. Its execution then has a grant, which you spend once, on this action only. "
      + "In a terminal, a command can wait for its approval:",
    after: () => 'run --title "Say hello" -- echo "Hello, approved world"',
  }],
  ["A subject", deployment("3"), {
    why: "Start it and approve it. Then choose “The subject, changed”: all surfaces say first what has changed.",
  }],
  ["The subject, changed", deployment("300"), {
    why: "If “A subject” is approved, all surfaces say first what has changed since then.",
  }],
  ["A question", {
    Approval: {
      Title: "Which region should the rollout start in?",
      Details: "Both regions are ready.",
      Kind: "question",
      RequestedBy: "carol@example.com",
      Form: [
        { Name: "Region", Label: "Which region goes first?", Type: "choice", Choices: ["Dublin", "Frankfurt"], Required: true },
        { Name: "Why", Label: "Why?", Type: "text", MaxLength: 200 },
      ],
      TimeoutMinutes: 30,
    },
  }],
  ["High severity", {
    Approval: {
      Title: "Delete the old production database",
      Details: "Its last backup was restored and checked:\n\n- 1,204 tables\n- 0 differences",
      Links: [{ Label: "Backup report", Url: "https://example.com/backups/1204" }],
      Severity: "high",
      Comment: { Approve: "required", Reject: "required" },
    },
  }],
  ["Reminder, then escalation", {
    Approval: {
      Title: "Renew the certificate",
      Approvers: ["alice@example.com"],
      Reminders: [1],
      EscalateTo: ["bob@example.com"],
      EscalateAfterMinutes: 2,
      TimeoutMinutes: 10,
    },
  }],
  ["The tutorial's input", { Comment: "Testing the human approval tutorial." }],
  ["An invalid request", { Approval: { Titel: "Typo", TimeoutMinutes: "soon" } }],
];
