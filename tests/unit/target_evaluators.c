#include "target_evaluators.h"

const struct target_evaluator *const target_evaluators[] = {
        &evaluate_networkpolicy,
        &evaluate_cilium,
        &evaluate_calico,
        &evaluate_ovn,
        &evaluate_istio,
        NULL,
};
