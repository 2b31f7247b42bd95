# The verdict of `egress-verify --accept-status` for cards as bench_log writes them: their workloads
# are known, and what was attested is theirs. For: jq -c -f verify.jq
def condition: [.status.conditions[] | select(.type == "Verified")];
def verdict:
	(.metadata.generation) as $generation
	| if condition | all(.status == "True") | not then
		{verified: false, reason: "NotAccepted",
		 message: "the condition Verified of the status is not true"}
	  elif condition | any(.observedGeneration != null and .observedGeneration < $generation) then
		{verified: false, reason: "NotAccepted",
		 message: "the condition Verified of the status speaks of an earlier generation of the card"}
	  elif .status.observedGeneration != null and .status.observedGeneration < $generation then
		{verified: false, reason: "NotAccepted",
		 message: "observedGeneration of the status speaks of an earlier generation of the card"}
	  else
		{verified: true, reason: "Verified",
		 message: "the operator says so: its condition Verified is true (\(condition[0].reason))",
		 spiffeID: .status.signatureSpiffeId, keyID: .status.signatureKeyId}
	  end
	| .source = "status";
if .object.kind == "AgentCard" and .type != "BOOKMARK" then
	.verification = (.object | verdict)
else . end
